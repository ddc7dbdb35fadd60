/** The controls of time: ranges, zoom, and what one takes away of a moment, by buttons and by keys. */

import { useState } from 'react';
import type { LivePool } from '../../../src/monitor/live/index.js';
import { verdictIn, type View } from '../live-store.js';
import { cameByZoom, type Go, queryOf, type Shown } from './address.js';
import { copy, saveFile } from './hand-out.js';
import { useKeys } from './keys.js';
import { csvOf, textOf } from './report.js';
import { stamp } from './stamp.js';
import { TimeBar } from './time-bar.js';
import type { Time } from './use-time.js';
import { RANGES } from './window.js';

interface TimeControlsProps {
  readonly time: Time;
  readonly shown: Shown;
  readonly go: Go;
  readonly pool: LivePool;
  readonly view: View;
}

export function TimeControls({ time: { timeline, state }, shown, go, pool, view }: TimeControlsProps) {
  const { frame, crosshair, now } = timeline;
  const [notice, setNotice] = useState('');
  const choose = (rangeMs: number): void => {
    setNotice('');
    go({ window: { rangeMs, past: undefined } });
  };
  const zoomOut = (): void => {
    if (cameByZoom()) history.back();
    else if (shown.window.past !== undefined) choose(shown.window.rangeMs);
  };
  const moment = (): number | undefined => {
    const at = crosshair.moment();
    return at === undefined || at < frame.from || at > frame.to ? undefined : Math.round(at);
  };
  /** The address of what is shown, which stays where it is: to a colleague "the last five minutes" would be others. */
  const link = (): string => {
    const past = { from: Math.floor(frame.from), to: Math.ceil(frame.to) };
    const fixed = { ...shown, pool: pool.name, window: { ...shown.window, past }, moment: moment() };
    return `${location.origin}${location.pathname}${queryOf(fixed)}`;
  };
  const say = async (copied: Promise<boolean>, what: string): Promise<void> => {
    const at = stamp(moment() ?? Math.min(now, frame.to), now);
    setNotice((await copied) ? `Copied ${what} of ${at}.` : 'The browser does not let the page copy.');
  };
  const copyLink = (): void => void say(copy(link()), 'a link');
  const copyText = (): void => {
    const verdict = verdictIn(view, pool);
    // Of the past, the last moment that is shown stands for now.
    const at = moment() ?? (shown.window.past === undefined ? undefined : frame.times.at(-1));
    const told = { pool, verdict, incidents: timeline.incidents, frame, latency: shown.latency, moment: at, now, link: link() };
    if (view.snapshot !== undefined) void say(copy(textOf({ ...told, process: view.snapshot.process })), 'the text');
  };
  const csv = (): void => {
    saveFile(`${pool.name} ${new Date(frame.to).toISOString().slice(0, 19).replaceAll(':', '-')}.csv`, csvOf(frame, shown.latency));
    setNotice(`Saved ${frame.groups.length} points as CSV.`);
  };
  useKeys({
    ...Object.fromEntries(RANGES.map(([ms], index) => [String(index + 1), () => choose(ms)])),
    c: copyText,
    l: copyLink,
    Escape: () => void (crosshair.clear() || zoomOut()),
  });
  return (
    <TimeBar
      window={shown.window}
      state={state}
      notice={notice}
      onRange={choose}
      onZoomOut={zoomOut}
      onLive={() => choose(shown.window.rangeMs)}
      onCopyLink={copyLink}
      onCopyText={copyText}
      onCsv={csv}
    />
  );
}
