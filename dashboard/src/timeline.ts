/** What all charts share: the frame of time, the incidents in it, and the moment that is marked. */

import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Incident } from '../../src/monitor/verdict/index.js';
import type { Frame } from './series.js';
import { Crosshair } from './time/crosshair.js';
import type { Span } from './time/window.js';

/** What a chart knows of time. */
export interface Timeline {
  readonly frame: Frame;
  readonly theme: string;
  readonly incidents: readonly Incident[];
  /** The server's time, in milliseconds since 1970. */
  readonly now: number;
  readonly crosshair: Crosshair;
  readonly zoom: (span: Span) => void;
  readonly zoomToIncident: (incident: Incident) => void;
}

const NOTHING: Timeline = {
  frame: { from: 0, to: 1, stepMs: 1_000, shown: [], groups: [], times: [], gaps: [] },
  theme: 'light',
  incidents: [],
  now: 1,
  crosshair: new Crosshair(),
  zoom: () => undefined,
  zoomToIncident: () => undefined,
};

/** Around everything that has charts. */
export const TimelineContext = createContext<Timeline>(NOTHING);

export function useTimeline(): Timeline {
  return useContext(TimelineContext);
}

/** A server that is busy makes a point late. */
const LATE_MS = 2_500;

/** The place of a moment in the curves; undefined where nothing was kept, and while no moment is marked. */
export function indexAt({ times, groups, from, to }: Frame, at: number | undefined): number | undefined {
  if (at === undefined || at < from || at > to) return undefined;
  const found = times.findIndex((time) => time >= at);
  const after = found === -1 ? times.length : found;
  const [first] = groups[after] ?? [];
  const isIn = first !== undefined && first.at - first.sinceMs <= at + LATE_MS;
  const sinceBefore = at - (times[after - 1] ?? Number.NEGATIVE_INFINITY);
  if (!isIn) return sinceBefore <= LATE_MS ? after - 1 : undefined;
  return sinceBefore < (times[after] as number) - at ? after - 1 : after;
}

/** The place that is marked now. Only a change of it draws again. */
export function useMarkedIndex(): number | undefined {
  const { frame, crosshair } = useTimeline();
  return useSyncExternalStore(crosshair.subscribe, () => indexAt(frame, crosshair.moment()));
}

/** What was wrong at a moment, the last first. */
export function incidentsAt(incidents: readonly Incident[], at: number, now: number): readonly Incident[] {
  return incidents.filter(({ begin, end }) => begin <= at && at <= (end ?? now));
}
