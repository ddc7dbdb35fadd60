/** The one verdict on a pool: what is wrong, since when, how many callers it has failed, what holds it up, and what to do. */

import type { Health } from '../../mysql/index.js';
import { KEPT_MS, type LivePoint, percentilesOf, pointsWithin } from '../points/index.js';
import { ADVICE } from './advice.js';
import { type Holders, holdersOf, sentenceOn } from './borrower.js';
import { allIsWell } from './cluster.js';
import { type Failures, failuresIn, wordsOn } from './failures.js';
import type { Cause, Trouble, JudgedPool } from './finding.js';
import { findingsOn } from './findings.js';
import { type Incident, isAftermath } from './incidents.js';
import { amount, capitalised, counted, duration, moment } from './words.js';

/** Whether a pool is the problem, and why. Page, commands, procedures and probes all show this. */
export interface PoolVerdict {
  /** That of the pool's health. */
  readonly status: Health['status'];
  /** What is wrong; null: nothing is. */
  readonly cause: Cause | null;
  /** One or two sentences: what is wrong, since when, how many callers it has failed, and where it comes from. */
  readonly headline: string;
  /** One sentence each; none is empty. */
  readonly details: readonly string[];
  /** What to do; null: nothing, or the details say it. */
  readonly advice: string | null;
  /** Since when it is wrong, in milliseconds since 1970; null: nothing is, or it is not known. */
  readonly since: number | null;
  /** Callers that have had no connection since then. */
  readonly callersFailed: number;
  /** The same for each of the last ten seconds. */
  readonly failingPerSecond: number;
  /** Who holds connections, the largest group first; at most five groups. */
  readonly holders: readonly Holders[];
}

/** What is known of a pool's past. */
export interface Past {
  /** The oldest first. */
  readonly points: readonly LivePoint[];
  /** The last one first. */
  readonly incidents: readonly Incident[];
}

const RECENT_MS = 60_000;
const RATE_MS = 10_000;
/** So long after its end an incident is the headline of a pool that is well. */
const IN_HEADLINE_MS = 3_600_000;

/**
 * The verdict on a pool. Its status is that of the pool's health, so no two places disagree.
 *
 * @param past what is known of it; without records the verdict says since when only where the snapshot knows
 * @param now milliseconds since 1970
 */
export function verdictOn(pool: JudgedPool, past: Past, now: number): PoolVerdict {
  const findings = findingsOn(pool, now);
  const recent = pointsWithin(past.points, RATE_MS, now);
  const shared = {
    status: pool.health.status,
    failingPerSecond: perSecond(recent),
    holders: holdersOf(pool.borrowed),
  };
  const [first, ...others] = findings;
  const last = past.incidents.find(({ end, ...incident }) => end !== null && isRemembered(incident));
  const isBehind = last !== undefined && isWithin(last, RECENT_MS, now) && pool.health.status !== 'unhealthy';
  const isOver = isBehind && findings.every((finding) => isAftermath(finding, past.incidents, now));
  if (first === undefined || isOver) return { ...shared, ...fine(pool, past, last, findings, now) };
  const record = past.incidents.find(({ end, cause }) => end === null && cause === first.cause);
  const details = [
    ...first.details,
    lately(past.points, now),
    ...others.map(({ what, tail = [] }) => `Also: ${[what, ...tail.filter(isText)].join('; ')}.`),
    wordsOnLast(last, now),
  ];
  return { ...shared, ...wrong(first, record, shared.failingPerSecond, now), details: details.filter(isText) };
}

type Words = Pick<PoolVerdict, 'cause' | 'headline' | 'details' | 'advice' | 'since' | 'callersFailed'>;

function wrong(finding: Trouble, record: Incident | undefined, failing: number, now: number): Omit<Words, 'details'> {
  const since = Math.min(record?.begin ?? Number.POSITIVE_INFINITY, finding.since ?? Number.POSITIVE_INFINITY);
  const failures = record ?? { timedOut: 0, refused: 0 };
  const rate = failing === 0 ? '' : ` (${amount(failing)} a second now)`;
  const failed = wordsOn(failures);
  const sinceWhen = Number.isFinite(since) ? ` since ${moment(since, now)}` : '';
  const parts = [`${finding.what}${sinceWhen}`, ...(finding.tail ?? []), failed === '' ? '' : `${failed}${rate}`];
  return {
    cause: finding.cause,
    headline: `${parts.filter(isText).join('; ')}.`,
    advice: ADVICE[finding.cause],
    since: Number.isFinite(since) ? since : null,
    callersFailed: failures.timedOut + failures.refused,
  };
}

function fine(pool: JudgedPool, past: Past, last: Incident | undefined, findings: readonly Trouble[], now: number): Words {
  const { used, limit, total } = pool.stats;
  const { topology } = pool;
  const inHeadline = last !== undefined && isWithin(last, IN_HEADLINE_MS, now);
  // What is left of the incident keeps the health from being healthy for some seconds.
  const words = findings.length === 0 ? isNow(pool, past, now) : 'The pool serves its callers again.';
  const details = [
    `${used} of ${limit} connections are in use, ${total} are open.`,
    topology == null ? '' : allIsWell(topology),
    lately(past.points, now),
    ...findings.flatMap((finding) => finding.details),
    inHeadline ? (findings.length === 0 ? howItWas(last) : '') : wordsOnLast(last, now),
  ];
  return {
    cause: null,
    headline: inHeadline ? `${words} ${capitalised(wordsOnIncident(last, now))}.` : words,
    details: details.filter(isText),
    advice: null,
    since: null,
    callersFailed: 0,
  };
}

/** How a pool is that is well. */
function isNow({ stats: { used, limit, waiting } }: JudgedPool, { points }: Past, now: number): string {
  if (waiting > 0) return `The pool is fine: ${counted(waiting, 'caller waits', 'callers wait')} briefly.`;
  if (used >= limit) return `The pool is fine: all ${limit} connections are in use, and no caller waits.`;
  const failed = wordsOn(failuresIn(pointsWithin(points, RATE_MS, now)));
  return failed === '' ? 'The pool is fine: every caller is served at once.' : `The pool serves its callers; ${failed} a moment ago.`;
}

/** 'the database was away from 06:49:05 to 06:50:46; 12 040 callers were refused'. */
export function wordsOnIncident(incident: Incident, now: number): string {
  const { was, begin, end } = incident;
  const failed = wordsOn(incident);
  const until = end === null ? `since ${moment(begin, now)}` : `from ${moment(begin, now)} to ${moment(end, now)}${watchedUntil(incident)}`;
  return `${was} ${until}${failed === '' ? '' : `; ${failed}`}`;
}

/** An end that was not seen is named as what it is. */
function watchedUntil({ cutShort }: Incident): string {
  if (cutShort === null) return '';
  return cutShort === 'pool-gone' ? ' or longer (the pool was closed then)' : ' or longer (the monitoring ended then)';
}

function wordsOnLast(last: Incident | undefined, now: number): string {
  return last === undefined || !isWithin(last, KEPT_MS, now) ? '' : `Before: ${wordsOnIncident(last, now)}.`;
}

function howItWas({ error, holders, mostWaiting }: Incident): string {
  if (error !== null) return `The last error was: ${error}`.concat(error.endsWith('.') ? '' : '.');
  const [first] = holders;
  if (first === undefined || mostWaiting === 0) return '';
  const all = holders.reduce((sum, { count }) => sum + count, 0);
  return `When most callers waited (${amount(mostWaiting)}): ${sentenceOn(first, all)}`;
}

/** What hit no caller and left the pool serving is no headline once it is over. */
function isRemembered({ status, timedOut, refused }: Omit<Incident, 'end'>): boolean {
  return status === 'unhealthy' || timedOut + refused > 0;
}

function isWithin({ end }: Incident, ms: number, now: number): boolean {
  return end !== null && now - end < ms;
}

/** How callers fared in the last minute, with those that failed among them; empty when the past is not known. */
function lately(points: readonly LivePoint[], now: number): string {
  if (points.length === 0) return '';
  const recent = pointsWithin(points, RECENT_MS, now);
  const served = recent.reduce((sum, { acquired }) => sum + acquired, 0);
  const failed = failedOf(failuresIn(recent));
  const all = served + failed;
  if (all === 0) return 'No caller has asked for a connection in the last minute.';
  const [, , queryP99] = percentilesOf(recent, 'query');
  const statements = queryP99 == null ? '' : `, and 99 % of statements took up to ${duration(queryP99)}`;
  if (failed * 100 >= all)
    return `In the last minute, ${amount(served)} of ${counted(all, 'caller', 'callers')} had a connection${statements}.`;
  const [, , acquireP99] = percentilesOf(recent, 'acquire');
  return acquireP99 == null ? '' : `In the last minute, 99 % of callers had a connection within ${duration(acquireP99)}${statements}.`;
}

function perSecond(points: readonly LivePoint[]): number {
  const ms = points.reduce((sum, { sinceMs }) => sum + sinceMs, 0);
  return ms === 0 ? 0 : Math.round(failedOf(failuresIn(points)) / (ms / 1_000));
}

function failedOf({ timedOut, refused }: Failures): number {
  return timedOut + refused;
}

function isText(text: string): boolean {
  return text !== '';
}
