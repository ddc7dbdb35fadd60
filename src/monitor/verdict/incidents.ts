/** Incidents as records: what was wrong from when to when, whom it hit, and who held the connections then. */

import { type Holders, holdersOf } from './borrower.js';
import { KEPT_MS } from '../points/index.js';
import type { Failures } from './failures.js';
import type { Cause, Trouble, JudgedPool } from './finding.js';

/** One incident of a pool. */
export interface Incident extends Failures {
  /** Unique among those of the pool. */
  readonly id: number;
  readonly cause: Cause;
  /** The worst that it was. */
  readonly status: 'degraded' | 'unhealthy';
  /** What was wrong, in words of the past without a capital letter and a full stop. */
  readonly was: string;
  /** When it began and ended, in milliseconds since 1970; null: it lasts. */
  readonly begin: number;
  readonly end: number | null;
  /** Why `end` is only the last moment at which it was seen, and not its end; null: it ended then, or it lasts. */
  readonly cutShort: CutShort | null;
  /** How often it came back within a minute. */
  readonly returned: number;
  /** The most callers that waited at the same time. */
  readonly mostWaiting: number;
  /** Who held the connections when most callers waited, with what they ran. */
  readonly holders: readonly Holders[];
  /** The last error of connecting in it; null: there was none. */
  readonly error: string | null;
}

/** What can end the watch over an incident: the pool was gone, or the monitoring ended, mostly with its process. */
export type CutShort = 'pool-gone' | 'monitoring-ended';

/** What is seen of a pool at one moment. */
export interface Seen {
  readonly findings: readonly Trouble[];
  /** Since the moment before. */
  readonly failures: Failures;
  readonly pool: Pick<JudgedPool, 'borrowed' | 'stats'>;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** So many of one pool are kept, of at most a day; those that last are kept longer. */
export const MOST_INCIDENTS = 50;
/** What comes back sooner is the same incident. */
const RETURN_MS = 60_000;
/** A pool's health looks at callers of the last ten seconds. */
const AFTERMATH_MS = 15_000;
/** What was shorter, hit no caller and left the pool serving is noise. */
const LEAST_MS = 3_000;

/** The records of before with what is seen now, the last one first. Those that did not change are the same objects. */
export function followed(records: readonly Incident[], seen: Seen): readonly Incident[] {
  const { at } = seen;
  const present = seen.findings.filter(({ isOver }) => isOver !== true);
  let next = endedWithout(records, present, at);
  const current = present.filter((finding) => !isAftermath(finding, next, at));
  // From the last: the first finding is the cause, and its record is to be on top.
  for (const finding of current.toReversed()) next = withFinding(next, finding, finding === current[0], seen);
  if (current.length === 0) next = withLateHits(next, seen);
  const kept = next.filter(({ end }, index) => end === null || (index < MOST_INCIDENTS && end > at - KEPT_MS));
  return kept.length === records.length && kept.every((record, index) => record === records[index]) ? records : kept;
}

/** What lasts ends now, as it is watched no more. */
export function cutShort(records: readonly Incident[], by: CutShort, at: number): readonly Incident[] {
  return records.map((record) => (record.end === null ? { ...record, end: Math.max(record.begin, at), cutShort: by } : record));
}

/** Whether a finding is only what an incident leaves behind: a failure that is remembered, callers that failed before it ended or still wait. */
export function isAftermath({ cause, status, isOver }: Trouble, records: readonly Incident[], now: number): boolean {
  if (isOver === true) return true;
  const isOfCallers = cause === 'callers-fail' || (cause === 'other' && status === 'degraded');
  if (!isOfCallers || records.some((record) => record.end === null && record.cause === cause)) return false;
  return records.some((record) => record.cause !== cause && isHit(record) && record.end !== null && now - record.end < AFTERMATH_MS);
}

/** Callers that failed between the last look and its end belong to an incident that has just ended. */
function withLateHits(records: readonly Incident[], { failures, at }: Seen): readonly Incident[] {
  const { timedOut, refused } = failures;
  const index = timedOut + refused === 0 ? -1 : records.findIndex((record) => isHit(record) && at - (record.end ?? at) < AFTERMATH_MS);
  const record = records[index];
  return record === undefined
    ? records
    : records.with(index, { ...record, timedOut: record.timedOut + timedOut, refused: record.refused + refused });
}

function isHit({ status, timedOut, refused }: Incident): boolean {
  return status === 'unhealthy' || timedOut + refused > 0;
}

/** What is not found any more has ended. */
function endedWithout(records: readonly Incident[], current: readonly Trouble[], at: number): readonly Incident[] {
  return records.flatMap((record) => {
    if (record.end !== null || current.some((finding) => continues(record, finding))) return [record];
    const isNoise = at - record.begin < LEAST_MS && record.status === 'degraded' && record.timedOut + record.refused === 0;
    return isNoise ? [] : [{ ...record, end: at }];
  });
}

function withFinding(records: readonly Incident[], finding: Trouble, isCause: boolean, seen: Seen): readonly Incident[] {
  const { at } = seen;
  const index = records.findIndex((record) => continues(record, finding) && (record.end === null || at - record.end < RETURN_MS));
  const known = records[index];
  const record = known === undefined ? begun(records, finding, at) : grown(known, finding, at);
  const hit = isCause ? withHits(record, seen) : record;
  if (known === undefined) return [hit, ...records];
  return hit === known ? records : records.with(index, hit);
}

function begun(records: readonly Incident[], { cause, status, was, since }: Trouble, at: number): Incident {
  const id = Math.max(0, ...records.map((record) => record.id)) + 1;
  return {
    id,
    cause,
    status,
    was,
    begin: Math.min(since ?? at, at),
    end: null,
    cutShort: null,
    returned: 0,
    timedOut: 0,
    refused: 0,
    mostWaiting: 0,
    holders: [],
    error: null,
  };
}

function grown(record: Incident, { cause, status, was, since }: Trouble, at: number): Incident {
  const worst = record.status === 'unhealthy' ? record.status : status;
  const returned = record.end === null || record.cutShort !== null ? record.returned : record.returned + 1;
  const begin = Math.min(record.begin, since ?? at);
  // Words of the worst moment stay.
  const words = worst === status || cause !== record.cause ? was : record.was;
  if (record.end === null && worst === record.status && words === record.was && cause === record.cause && begin === record.begin)
    return record;
  return { ...record, cause, status: worst, was: words, begin, end: null, cutShort: null, returned };
}

function withHits(record: Incident, { failures, pool: { borrowed, stats } }: Seen): Incident {
  const { waiting, lastConnectError } = stats;
  const isWorst = waiting > record.mostWaiting || record.holders.length === 0;
  const holders = isWorst && borrowed.length > 0 ? holdersOf(borrowed) : record.holders;
  const error = lastConnectError?.message ?? record.error;
  const isSame = failures.timedOut + failures.refused === 0 && holders === record.holders && error === record.error;
  if (isSame && waiting <= record.mostWaiting) return record;
  return {
    ...record,
    timedOut: record.timedOut + failures.timedOut,
    refused: record.refused + failures.refused,
    mostWaiting: Math.max(record.mostWaiting, waiting),
    holders,
    error,
  };
}

/** A database that is away begins with a failure to connect, while some connections seem to work. */
function continues(record: Incident, { cause }: Trouble): boolean {
  return record.cause === cause || (record.cause === 'connect-errors' && record.end === null && cause === 'database-away');
}
