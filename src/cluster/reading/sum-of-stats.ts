/** The statistics of several pools as those of one, and the reports of their ends. */

import { BUCKET_EDGES_MS, type DrainReport, type DurationCounts, Histogram, type RecordedDuration } from '../../engine/index.js';
import type { PoolStats } from '../../mysql/index.js';

/** A value of a snapshot: a count, a name, or counts by name. */
type Value = unknown;

/** What is no sum: the pool's own name and state, and its limits, which hold for each node. */
const OWN: ReadonlySet<string> = new Set([
  'name',
  'state',
  'limit',
  'connectionLimit',
  'ceilings',
  'minIdle',
  'maxIdle',
  'breakers',
  'lastConnectError',
]);

/** Of durations, how many and how long together are sums. Their percentiles follow from the counts of all: see {@link withDurationsOfAll}. */
const LARGEST = /^(p\d+Ms|maxMs|oldestWaitMs)$/;

/** @param own the snapshot that the names and the state are taken from */
export function sumOf<S extends object>(own: S, parts: readonly S[]): S {
  return added(own, parts, '') as S;
}

function added(own: Value, parts: readonly Value[], name: string): Value {
  if (OWN.has(name)) return own;
  if (typeof own === 'number') {
    const numbers = parts.filter((part): part is number => typeof part === 'number');
    return LARGEST.test(name) ? Math.max(own, ...numbers) : numbers.reduce((sum, part) => sum + part, own);
  }
  if (typeof own !== 'object' || own === null) return own;
  const objects = parts.filter((part): part is Readonly<Record<string, Value>> => typeof part === 'object' && part !== null);
  const keys = new Set([own, ...objects].flatMap((part) => Object.keys(part)));
  const entries = [...keys].map((key) => {
    const values = objects.map((part) => part[key]);
    const ownValue = (own as Readonly<Record<string, Value>>)[key];
    return [key, added(ownValue ?? (values.some((value) => typeof value === 'number') ? 0 : undefined), values, key)] as const;
  });
  return Object.freeze(Object.fromEntries(entries));
}

const DURATIONS: readonly (RecordedDuration | 'query')[] = ['acquire', 'use', 'connect', 'query'];

/** @param sum of the statistics of several pools @param countsOf the counts of durations of all of them together, as {@link sumOfCounts} has them */
export function withDurationsOfAll(
  sum: PoolStats,
  countsOf: (which: RecordedDuration | 'query', boundsMs: readonly number[]) => DurationCounts,
): PoolStats {
  const summaries = DURATIONS.map((which) => {
    const all = new Histogram();
    all.add(countsOf(which, BUCKET_EDGES_MS), sum[which].maxMs);
    return [which, all.summary()] as const;
  });
  return Object.freeze({ ...sum, ...Object.fromEntries(summaries) });
}

/** Durations of several pools, counted together. Precondition: up to the same bounds. */
export function sumOfCounts(parts: readonly DurationCounts[]): DurationCounts {
  const [first] = parts;
  return {
    count: parts.reduce((sum, { count }) => sum + count, 0),
    sumMs: parts.reduce((sum, { sumMs }) => sum + sumMs, 0),
    cumulative:
      first === undefined
        ? []
        : first.cumulative.map((_, index) => parts.reduce((sum, part) => sum + (part.cumulative[index] as number), 0)),
  };
}

/** What became of pools that were drained together. */
export function drainedTogether(reports: readonly DrainReport[]): DrainReport {
  return Object.freeze({
    complete: reports.every(({ complete }) => complete),
    durationMs: Math.max(...reports.map(({ durationMs }) => durationMs)),
    cutOff: Object.freeze(reports.flatMap(({ cutOff }) => cutOff)),
    refused: reports.reduce((sum, { refused }) => sum + refused, 0),
  });
}
