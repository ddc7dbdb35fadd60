/** The time of the page: what the address says of it, with the points that are known of that time. */

import { useEffect, useMemo, useState } from 'react';
import type { Process } from '../connection.js';
import type { LiveStore, View } from '../live-store.js';
import { frameOf, stepOf } from '../series.js';
import type { Go, Shown } from './address.js';
import { Crosshair } from './crosshair.js';
import { type Points, usePoints } from './past.js';
import type { Timeline } from '../timeline.js';
import { aroundIncident, type Span, spanOf } from './window.js';

/** A marked moment goes into the address when it has stayed for so long: browsers limit how often it changes. */
const MARKED_MS = 300;

const MOST_BETWEEN_MS = 5_000;

const NO_POINTS: View['points'] extends ReadonlyMap<string, infer List> ? List : never = [];
const NO_INCIDENTS: Timeline['incidents'] = [];

/** What all charts share, and whether what is older than the feed is known. */
export interface Time {
  readonly timeline: Timeline;
  readonly state: Points['state'];
}

/** @param pool the name of the one that is shown */
export function useTime(view: View, pool: string | undefined, { window, moment }: Shown, go: Go, theme: string): Time {
  const [crosshair] = useState(() => new Crosshair());
  const now = view.snapshot?.at;
  const fed = (pool === undefined ? undefined : view.points.get(pool)) ?? NO_POINTS;
  const incidents = (pool === undefined ? undefined : view.incidents.get(pool)) ?? NO_INCIDENTS;
  const { points, resolutionMs, state, source } = usePoints(view.keepsHistory ? view.client : undefined, pool, fed, window, now);
  const span = spanOf(window, now ?? Date.now());
  // A second moves the curves of an hour by less than one sees: they are drawn again when a place is full, or after some seconds.
  const drawEachMs = Math.min(MOST_BETWEEN_MS, stepOf(span));
  const tick = now === undefined ? undefined : Math.floor(now / drawEachMs);
  const frame = useMemo(() => frameOf(points, span, resolutionMs), [tick, source, view.client, pool, window.rangeMs, window.past]);

  useEffect(() => {
    if (crosshair.marked() !== moment) crosshair.mark(moment);
  }, [moment]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const off = crosshair.subscribe(() => {
      clearTimeout(timer);
      const marked = crosshair.marked();
      if (marked !== moment) timer = setTimeout(() => go({ moment: marked }, 'quiet'), MARKED_MS);
    });
    return () => {
      clearTimeout(timer);
      off();
    };
  }, [moment]);

  const zoom = (past: Span): void => go({ window: { ...window, past } });
  const timeline = useMemo(
    (): Timeline => ({
      frame,
      theme,
      incidents,
      now: now ?? Date.now(),
      crosshair,
      zoom,
      zoomToIncident: (incident) => zoom(aroundIncident(incident, now ?? Date.now())),
    }),
    [frame, theme, incidents, now, crosshair, window.rangeMs, window.past],
  );
  return { timeline, state };
}

/** Shows the process that the address names, as soon as it is known. */
export function useProcess(address: string | undefined, { process, processes }: View, store: LiveStore): void {
  const wanted: Process | undefined = address === undefined ? 'own' : processes?.peers.find((one) => one.address === address)?.peer;
  useEffect(() => {
    if (wanted !== undefined && wanted !== process) store.choose(wanted);
  }, [wanted]);
}
