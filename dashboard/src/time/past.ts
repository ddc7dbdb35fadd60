/** The points of a window: those that the live feed brings, and, for what is older, those that the server keeps of the day. */

import { useEffect, useMemo, useState } from 'react';
import type { LivePoint } from '../../../src/monitor/points/index.js';
import type { Client } from '../connection.js';
import { stepOf } from '../series.js';
import { type Span, spanOf, type TimeWindow } from './window.js';

/** What the server keeps of a stretch of time. */
interface Kept {
  readonly resolutionMs: number;
  readonly points: readonly LivePoint[];
}

/** What is known of the window's time. */
export interface Points {
  /** The oldest first. */
  readonly points: readonly LivePoint[];
  /** How much time a point covers at most. */
  readonly resolutionMs: number;
  readonly state: 'known' | 'asked' | 'failed';
  /** Another one: the points are others, not only more of them. */
  readonly source: unknown;
}

const MOST_POINTS = 300;
/** The live tail comes from the feed; what is before it grows coarser. */
const ASK_AGAIN_MS = 60_000;
/** A new server has nothing that is older than its feed: what the feed lacks by less is not asked for. */
const SLACK_MS = 3_000;
/** A point may be late. */
const COARSER = 1.5;

async function ask(client: Client, pool: string, { from, to }: Span, signal: AbortSignal): Promise<Kept> {
  return await client.monitoring.history.query({ pool, from: Math.floor(from), to: Math.ceil(to), most: MOST_POINTS }, { signal });
}

/**
 * @param client undefined: the process keeps nothing more
 * @param fed the points of the live feed, the oldest first
 * @param now the server's time; undefined: it is not yet known
 */
export function usePoints(
  client: Client | undefined,
  pool: string | undefined,
  fed: readonly LivePoint[],
  window: TimeWindow,
  now: number | undefined,
): Points {
  const { rangeMs, past } = window;
  const isKnown = client === undefined || now === undefined || isFed(fed, spanOf(window, now));
  const wanted = isKnown || pool === undefined ? undefined : past === undefined ? `${pool} ${rangeMs}` : `${pool} ${past.from} ${past.to}`;
  const [kept, setKept] = useState<{ readonly of: string; readonly kept: Kept | 'failed' }>();

  useEffect(() => {
    if (wanted === undefined || client === undefined || pool === undefined || now === undefined) return undefined;
    const stop = new AbortController();
    const begun = Date.now();
    const fetchIt = (): void => {
      // The server's clock, not this one's: they may differ.
      const span = past ?? spanOf(window, now + (Date.now() - begun));
      ask(client, pool, span, stop.signal).then(
        (found) => setKept({ of: wanted, kept: found }),
        () => !stop.signal.aborted && setKept({ of: wanted, kept: 'failed' }),
      );
    };
    fetchIt();
    const timer = past === undefined ? setInterval(fetchIt, ASK_AGAIN_MS) : undefined;
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [client, wanted]);

  return useMemo(() => {
    if (wanted === undefined) return { points: fed, resolutionMs: 1_000, state: 'known', source: undefined };
    if (kept?.of !== wanted) return { points: fed, resolutionMs: 1_000, state: 'asked', source: undefined };
    if (kept.kept === 'failed') return { points: fed, resolutionMs: 1_000, state: 'failed', source: undefined };
    const { points, resolutionMs } = kept.kept;
    const last = points.at(-1)?.at ?? 0;
    return { points: [...points, ...fed.filter(({ at }) => at > last)], resolutionMs, state: 'known', source: kept };
  }, [wanted, kept, fed]);
}

/** Whether the feed has brought the whole stretch, and as finely as its curves are drawn. */
function isFed(fed: readonly LivePoint[], span: Span): boolean {
  const shown = fed.filter(({ at, sinceMs }) => at > span.from && at - sinceMs < span.to);
  const [first] = shown;
  return (
    first !== undefined &&
    first.at - first.sinceMs <= span.from + SLACK_MS &&
    shown.every(({ sinceMs }) => sinceMs <= stepOf(span) * COARSER)
  );
}
