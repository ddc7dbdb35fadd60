import type { LivePool } from '../../src/monitor/live/live-feed.js';
import type { LivePoint } from '../../src/monitor/live/live-points.js';
import { clock, counted, duration } from './format.js';
import { percentilesOf, sinceWhen, within } from './series.js';

/** The answer to: is the pool the problem, what holds it up, and since when? */
export interface Diagnosis {
  readonly level: 'good' | 'warning' | 'bad';
  readonly headline: string;
  /** One sentence each. */
  readonly details: readonly string[];
}

const RECENT_MS = 60_000;
/** A wait that is over by then is what a pool is for. */
const BRIEF_MS = 500;

export function diagnose(pool: LivePool, points: readonly LivePoint[], now: number): Diagnosis {
  const { stats, health } = pool;
  const { used, limit, waiting, longestWaitMs, state, lastConnectError, total, idle } = stats;
  if (state !== 'running') {
    const since = sinceText(points, () => true);
    return {
      level: 'bad',
      headline: `The pool is ${state}: it lends nothing.`,
      details: state === 'suspended' ? ['Resume it below, or in the code that suspended it.'] : [since],
    };
  }
  if (lastConnectError !== null && idle + used === 0) {
    return {
      level: 'bad',
      headline: 'The database cannot be reached.',
      details: [
        `${lastConnectError.message} (${lastConnectError.code}), ${duration(lastConnectError.agoMs)} ago.`,
        sinceText(points, (point) => point.idle + point.used === 0),
        ...(waiting > 0 ? [`${counted(waiting, 'caller waits', 'callers wait')}.`] : []),
      ],
    };
  }
  // While half-open its probes are let through: that is told below, with the checks.
  const { breakers } = stats;
  const refusing = [breakers.statement, ...(idle + used === 0 || breakers.connect.state === 'isolated' ? [breakers.connect] : [])].find(
    ({ state: breakerState }) => breakerState === 'open' || breakerState === 'isolated',
  );
  if (refusing !== undefined) {
    const { name, reason, inStateForMs, nextProbeInMs } = refusing;
    return {
      level: 'bad',
      headline: `Callers are refused at once: breaker '${name}' is ${refusing.state}.`,
      details: [
        reason === null ? '' : `${capitalised(reason)}.`,
        `It has been so since ${clock(now - inStateForMs)}.`,
        nextProbeInMs === null
          ? 'It stays so until somebody closes it.'
          : `The next call is let through ${nextProbeInMs === 0 ? 'now' : `in ${duration(nextProbeInMs)}`}.`,
      ],
    };
  }
  const waitingSince = sinceWhen(points, (point) => point.waiting > 0);
  const waitingForMs = Math.max(longestWaitMs, waitingSince === undefined ? 0 : now - waitingSince.at);
  if (waiting > 0 && used >= limit && waitingForMs >= BRIEF_MS) {
    return {
      level: 'bad',
      headline: `The pool is the bottleneck: all ${limit} connections are in use, ${counted(waiting, 'caller waits', 'callers wait')}.`,
      details: [
        `The longest has been waiting for ${duration(longestWaitMs)}.`,
        sinceText(points, (point) => point.waiting > 0),
        holdUp(pool),
      ],
    };
  }
  const recent = within(points, RECENT_MS, now);
  const [, , acquireP99] = percentilesOf(recent, 'acquire');
  const [, , queryP99] = percentilesOf(recent, 'query');
  const lately =
    acquireP99 == null
      ? 'Nobody has asked for a connection in the last minute.'
      : `In the last minute, 99 % of callers had a connection within ${duration(acquireP99)}${queryP99 == null ? '' : `, and 99 % of statements took up to ${duration(queryP99)}`}.`;
  if (health.status !== 'healthy') {
    const reasons = health.checks.filter(({ status }) => status !== 'pass').map(({ message }) => `${capitalised(message)}.`);
    return {
      level: health.status === 'unhealthy' ? 'bad' : 'warning',
      headline: `The pool is ${health.status}.`,
      details: [...reasons, lately],
    };
  }
  if (used >= limit) {
    const since = sinceText(points, (point) => point.used >= point.limit);
    return {
      level: 'warning',
      headline: `All ${limit} connections are in use; ${waiting === 0 ? 'nobody waits yet' : 'callers wait briefly'}.`,
      details: [since, holdUp(pool)],
    };
  }
  if (waiting > 0)
    return {
      level: 'warning',
      headline: `${counted(waiting, 'caller waits', 'callers wait')} while connections are opened.`,
      details: [lately],
    };
  const { leakDetectionThreshold } = stats.options;
  const longest = pool.borrowed[0];
  if (longest !== undefined && leakDetectionThreshold > 0 && longest.heldMs > leakDetectionThreshold) {
    return {
      level: 'warning',
      headline: `Connection #${longest.id} may be leaked: it has been held for ${duration(longest.heldMs)}.`,
      details: [
        `More than leakDetectionThreshold (${duration(leakDetectionThreshold)}): ${workOf(longest.description)}. Where it was borrowed is below.`,
        lately,
      ],
    };
  }
  return {
    level: 'good',
    headline: 'The pool is fine: whoever asks is served at once.',
    details: [`${used} of ${limit} connections are in use, ${total} are open.`, lately],
  };
}

/** What most borrowers do. */
function holdUp({ borrowed }: LivePool): string {
  const byWork = new Map<string, number>();
  for (const { description } of borrowed) {
    const work = workOf(description);
    byWork.set(work, (byWork.get(work) ?? 0) + 1);
  }
  const [most] = [...byWork].toSorted((a, b) => b[1] - a[1]);
  if (most === undefined) return '';
  const [work, count] = most;
  return `${count} of ${borrowed.length} borrowers: ${work}; held for up to ${duration(borrowed[0]?.heldMs ?? 0)}.`;
}

/** From the description of a connection: what it runs. */
export function workOf(description: string): string {
  const statement = / ms: (.*)\)$/s.exec(description)?.[1];
  const inTransaction = description.includes('in a transaction');
  if (statement !== undefined) return `${inTransaction ? 'in a transaction, ' : ''}running ${statement}`;
  if (description.includes('no statement running'))
    return inTransaction ? 'idle in a transaction' : 'no statement running, yet not released';
  return description;
}

function sinceText(points: readonly LivePoint[], isSo: (point: LivePoint) => boolean): string {
  const since = sinceWhen(points, isSo);
  if (since === undefined) return '';
  const at = new Date(since.at).toLocaleTimeString('en-GB');
  return since.orLonger ? `It has been so for longer than the charts go back (${at}).` : `It has been so since ${at}.`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
