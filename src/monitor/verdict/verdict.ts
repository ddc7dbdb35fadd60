/** The verdict on a pool: whether it is well, what is wrong, since when, and what holds it up. */

import type { Borrowed, ConnectFailure } from '../../engine/index.js';
import type { Health, PoolStats, PublicOptions } from '../../mysql/index.js';
import { type LivePoint, percentilesOf, sinceWhen, pointsWithin } from '../points/index.js';
import { commonWork, workOf } from './borrower.js';
import { allIsWell, type JudgedTopology, readerTrouble, sentencesOnNodes, writerTrouble } from './cluster.js';
import { capitalised, clock, counted, duration } from './words.js';

/** Whether a pool is the problem, and why. */
export interface PoolVerdict {
  readonly level: 'good' | 'warning' | 'bad';
  /** One sentence. */
  readonly headline: string;
  /** One sentence each; none is empty. */
  readonly details: readonly string[];
}

/** What is read of a pool to judge it: a part of the live feed, or of what procedures answer. */
export interface JudgedPool {
  readonly health: Pick<Health, 'status' | 'checks'>;
  readonly stats: Pick<PoolStats, 'state' | 'limit' | 'used' | 'total' | 'waiting' | 'longestWaitMs' | 'breakers'> & {
    readonly lastConnectError: ConnectFailure | null;
    readonly options: Pick<PublicOptions, 'leakDetectionThreshold'>;
  };
  /** Those that are known, the longest-held first. */
  readonly borrowed: readonly Borrowed[];
  /** Of a cluster. Null or absent: the pool is none, or it is not known. */
  readonly topology?: JudgedTopology | null;
}

/** A pool with its past, at one moment. */
interface Case extends JudgedPool {
  readonly points: readonly LivePoint[];
  readonly now: number;
}

/** A verdict, or undefined to leave it to the next judge. Empty details are dropped later. */
type Judge = (pool: Case) => PoolVerdict | undefined;

const RECENT_MS = 60_000;
/** Shorter waits are normal in a pool that is well used. */
const BRIEF_MS = 500;

/**
 * The verdict on a pool. What the pool's own health checks have judged is not judged again.
 *
 * @param points its past, the oldest first; none when it is not known
 * @param now milliseconds since 1970
 */
export function verdictOn(pool: JudgedPool, points: readonly LivePoint[], now: number): PoolVerdict {
  const all: Case = { ...pool, points, now };
  for (const judge of JUDGES) {
    const verdict = judge(all);
    if (verdict !== undefined) return withoutEmpty(verdict);
  }
  return withoutEmpty(fine(all));
}

/** The first that returns a verdict decides, so a cause comes before its consequences. */
const JUDGES: readonly Judge[] = [
  notRunning,
  noWriter,
  unreachable,
  refused,
  bottleneck,
  noReader,
  notHealthy,
  replicaInTrouble,
  allInUse,
  briefWait,
  suspectedLeak,
];

function notRunning({ health, stats: { state }, points }: Case): PoolVerdict | undefined {
  // The counts may be newer than the checks.
  if (!fails(health, 'state') || state === 'running') return undefined;
  return {
    level: 'bad',
    headline: `The pool is ${state}: it lends nothing.`,
    details: state === 'suspended' ? ['Resume it manually, or in the code that suspended it.'] : [sinceText(points, () => true)],
  };
}

/** A cluster without a writer, or with several. */
function noWriter({ health, topology, stats: { waiting, longestWaitMs }, now }: Case): PoolVerdict | undefined {
  if (topology == null || !fails(health, 'writer')) return undefined;
  const trouble = writerTrouble(topology, waiting, now);
  if (trouble === undefined) return undefined;
  return {
    level: 'bad',
    headline: `${capitalised(trouble)}.`,
    details: [
      topology.ambiguous.length > 0 ? `It has been so since ${clock(now - topology.withoutWriterMs)}.` : '',
      waiting === 0 ? '' : `The longest has been waiting for ${duration(longestWaitMs)}.`,
      ...sentencesOnNodes(topology),
    ],
  };
}

/** No replica is fit for the reads of a cluster. */
function noReader(pool: Case): PoolVerdict | undefined {
  return warns(pool.health, 'readers') ? replicaInTrouble(pool) : undefined;
}

/** Some replica serves no reads, or serves old data. */
function replicaInTrouble(pool: Case): PoolVerdict | undefined {
  const { topology } = pool;
  const trouble = topology == null ? undefined : readerTrouble(topology);
  if (topology == null || trouble === undefined) return undefined;
  const { maxLag } = topology.reads;
  return {
    level: 'warning',
    headline: `${trouble}.`,
    details: [
      ...sentencesOnNodes(topology),
      topology.nodes.some(({ lagMs }) => (lagMs ?? 0) > maxLag) ? `Up to ${duration(maxLag)} of lag is allowed (maxLag).` : '',
      lately(pool),
    ],
  };
}

function unreachable({ health, stats: { lastConnectError, waiting }, points }: Case): PoolVerdict | undefined {
  if (!fails(health, 'connections')) return undefined;
  return {
    level: 'bad',
    headline: 'The database cannot be reached.',
    details: [
      // A connection may have been opened since the check.
      lastConnectError === null ? '' : `${lastConnectError.message} (${lastConnectError.code}), ${duration(lastConnectError.agoMs)} ago.`,
      sinceText(points, ({ idle, used }) => idle + used === 0),
      waiting > 0 ? `${counted(waiting, 'caller waits', 'callers wait')}.` : '',
    ],
  };
}

/** A breaker that is half-open lets its probes through: the reasons of the health check name it. */
function refused({ health, stats: { breakers }, now }: Case): PoolVerdict | undefined {
  if (!fails(health, 'breakers')) return undefined;
  const breaker = [breakers.statement, breakers.connect].find(({ state }) => state === 'open' || state === 'isolated');
  if (breaker === undefined) return undefined;
  const { name, state, reason, inStateForMs, nextProbeInMs } = breaker;
  return {
    level: 'bad',
    headline: `Callers are refused at once: breaker '${name}' is ${state}.`,
    details: [
      reason === null ? '' : `${capitalised(reason)}.`,
      `It has been so since ${clock(now - inStateForMs)}.`,
      nextProbeInMs === null
        ? 'It stays so until it is closed manually.'
        : `The next call is let through ${nextProbeInMs === 0 ? 'now' : `in ${duration(nextProbeInMs)}`}.`,
    ],
  };
}

function bottleneck({ stats: { used, limit, waiting, longestWaitMs }, borrowed, points, now }: Case): PoolVerdict | undefined {
  const since = sinceWhen(points, isWaiting);
  const waitingForMs = Math.max(longestWaitMs, since === undefined ? 0 : now - since.at);
  if (waiting === 0 || used < limit || waitingForMs < BRIEF_MS) return undefined;
  return {
    level: 'bad',
    headline: `The pool is the bottleneck: all ${limit} connections are in use, ${counted(waiting, 'caller waits', 'callers wait')}.`,
    details: [`The longest has been waiting for ${duration(longestWaitMs)}.`, sinceText(points, isWaiting), commonWork(borrowed)],
  };
}

function notHealthy(pool: Case): PoolVerdict | undefined {
  const { status, checks } = pool.health;
  if (status === 'healthy') return undefined;
  const reasons = checks.filter((check) => check.status !== 'pass').map(({ message }) => `${capitalised(message)}.`);
  return {
    level: status === 'unhealthy' ? 'bad' : 'warning',
    headline: `The pool is ${status}.`,
    details: [...reasons, lately(pool)],
  };
}

function allInUse({ stats: { used, limit, waiting }, borrowed, points }: Case): PoolVerdict | undefined {
  if (used < limit) return undefined;
  return {
    level: 'warning',
    headline: `All ${limit} connections are in use; ${waiting === 0 ? 'no caller waits yet' : 'callers wait briefly'}.`,
    details: [sinceText(points, (point) => point.used >= point.limit), commonWork(borrowed)],
  };
}

function briefWait(pool: Case): PoolVerdict | undefined {
  const { waiting } = pool.stats;
  if (waiting === 0) return undefined;
  return {
    level: 'warning',
    headline: `${counted(waiting, 'caller waits', 'callers wait')} while connections are opened.`,
    details: [lately(pool)],
  };
}

function suspectedLeak(pool: Case): PoolVerdict | undefined {
  const { leakDetectionThreshold } = pool.stats.options;
  const [longest] = pool.borrowed;
  if (longest === undefined || leakDetectionThreshold === 0 || longest.heldMs < leakDetectionThreshold) return undefined;
  return {
    level: 'warning',
    headline: `Connection #${longest.id} may be leaked: it has been held for ${duration(longest.heldMs)}.`,
    details: [
      `More than leakDetectionThreshold (${duration(leakDetectionThreshold)}): ${workOf(longest)}. The list of borrowers says where it was borrowed.`,
      lately(pool),
    ],
  };
}

function fine(pool: Case): PoolVerdict {
  const { used, limit, total } = pool.stats;
  const { topology } = pool;
  return {
    level: 'good',
    headline: 'The pool is fine: every caller is served at once.',
    details: [`${used} of ${limit} connections are in use, ${total} are open.`, topology == null ? '' : allIsWell(topology), lately(pool)],
  };
}

/** How callers fared in the last minute; empty when the past is not known. */
function lately({ points, now }: Case): string {
  if (points.length === 0) return '';
  const recent = pointsWithin(points, RECENT_MS, now);
  const [, , acquireP99] = percentilesOf(recent, 'acquire');
  const [, , queryP99] = percentilesOf(recent, 'query');
  if (acquireP99 == null) return 'No caller has asked for a connection in the last minute.';
  const statements = queryP99 == null ? '' : `, and 99 % of statements took up to ${duration(queryP99)}`;
  return `In the last minute, 99 % of callers had a connection within ${duration(acquireP99)}${statements}.`;
}

function sinceText(points: readonly LivePoint[], isSo: (point: LivePoint) => boolean): string {
  const since = sinceWhen(points, isSo);
  if (since === undefined) return '';
  return since.orLonger
    ? `It has been so for longer than the charts go back (${clock(since.at)}).`
    : `It has been so since ${clock(since.at)}.`;
}

function isWaiting({ waiting }: LivePoint): boolean {
  return waiting > 0;
}

type CheckName = Health['checks'][number]['name'];

function fails({ checks }: JudgedPool['health'], name: CheckName): boolean {
  return checks.some((check) => check.name === name && check.status === 'fail');
}

function warns({ checks }: JudgedPool['health'], name: CheckName): boolean {
  return checks.some((check) => check.name === name && check.status === 'warn');
}

function withoutEmpty({ details, ...verdict }: PoolVerdict): PoolVerdict {
  return { ...verdict, details: details.filter((detail) => detail !== '') };
}
