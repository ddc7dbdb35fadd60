/** What the page shows, as the query of its address: a reload, a link to a colleague, back and forward show the same. */

import { useCallback, useEffect, useState } from 'react';
import type { DurationName } from '../../../src/monitor/points/index.js';
import { DEFAULT_WINDOW, RANGES, type TimeWindow, zoomTo } from './window.js';

/** Pool, process, time and latency that are shown. */
export interface Shown {
  /** Undefined: the first one. */
  readonly pool: string | undefined;
  /** The address of another process; undefined: the one that sent the page. */
  readonly process: string | undefined;
  readonly window: TimeWindow;
  readonly latency: DurationName;
  /** A moment that is marked in all charts, in milliseconds since 1970. */
  readonly moment: number | undefined;
}

const LATENCIES: readonly DurationName[] = ['query', 'acquire', 'use', 'connect'];

/** Reads a query. What is missing or makes no sense is as at the first visit. */
export function shownOf(query: string): Shown {
  const given = new URLSearchParams(query);
  const time = (name: string): number | undefined => {
    const at = Date.parse(given.get(name) ?? '');
    return Number.isNaN(at) ? undefined : at;
  };
  const [from, to] = [time('from'), time('to')];
  const range = RANGES.find(([, name]) => name === given.get('range'));
  return {
    pool: given.get('pool') ?? undefined,
    process: given.get('process') ?? undefined,
    window: {
      rangeMs: range?.[0] ?? DEFAULT_WINDOW.rangeMs,
      past: from === undefined || to === undefined || from >= to ? undefined : zoomTo(from, to),
    },
    latency: LATENCIES.find((name) => name === given.get('latency')) ?? 'query',
    moment: time('at'),
  };
}

/** The query that says so, with its question mark; empty at the first visit. */
export function queryOf({ pool, process, window: { rangeMs, past }, latency, moment }: Shown): string {
  const range = rangeMs === DEFAULT_WINDOW.rangeMs ? undefined : RANGES.find(([ms]) => ms === rangeMs)?.[1];
  const parts: readonly (readonly [string, string | undefined])[] = [
    ['pool', pool],
    ['process', process],
    ['range', range],
    ['from', past === undefined ? undefined : iso(past.from)],
    ['to', past === undefined ? undefined : iso(past.to)],
    ['latency', latency === 'query' ? undefined : latency],
    ['at', moment === undefined ? undefined : iso(moment)],
  ];
  const said = parts.flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${readable(value)}`]));
  return said.length === 0 ? '' : `?${said.join('&')}`;
}

function iso(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}

/** A colon may stand in a query as it is. */
function readable(value: string): string {
  return encodeURIComponent(value).replaceAll('%3A', ':').replaceAll('%2F', '/');
}

/** Goes to what the change makes of what is shown. A step that one wants to take back is remembered. */
export type Go = (change: Partial<Shown>, kind?: 'remembered' | 'quiet') => void;

/** What the address says, and how to change it. */
export function useAddress(): readonly [Shown, Go] {
  const [shown, setShown] = useState(() => shownOf(location.search));
  useEffect(() => {
    const onMove = (): void => setShown(shownOf(location.search));
    addEventListener('popstate', onMove);
    return () => removeEventListener('popstate', onMove);
  }, []);
  const go = useCallback<Go>((change, kind = 'remembered') => {
    // What the address says now, not what was drawn last: two changes may come between two drawings.
    const next = { ...shownOf(location.search), ...change };
    const address = location.pathname + queryOf(next);
    const isZoom = change.window?.past !== undefined;
    if (kind === 'quiet') history.replaceState(history.state, '', address);
    else history.pushState(isZoom ? { zoomed: true } : null, '', address);
    setShown(shownOf(location.search));
  }, []);
  return [shown, go];
}

/** Whether the step before this one leads out of the zoom. */
export function cameByZoom(): boolean {
  return (history.state as { readonly zoomed?: boolean } | null)?.zoomed === true;
}
