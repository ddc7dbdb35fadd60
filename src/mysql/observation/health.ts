/** The health of a pool: checks that judge its counts, its past and, on request, a statement. */

import type { BreakerSnapshot } from '../../resilience/breaker/index.js';
import type { PoolBreakers } from './breakers.js';
import { type CallerTotals, CallerWindow } from './caller-window.js';
import {
  BRIEF_WAIT_MS,
  type Clock,
  messageOf,
  type OptionSpec,
  type Pool as Engine,
  type PoolSummary,
  systemClock,
  type Timer,
} from '../../engine/index.js';

/** When a pool counts as degraded. Durations are in milliseconds. */
export interface HealthThresholds {
  /** Connections in use, in percent of the limit, that count as too many. Default: 90. */
  readonly utilization?: number;
  /** How long the use must have been that high without a break, in milliseconds. Default: 30000. */
  readonly utilizationFor?: number;
  /** Waiting acquires that count as too many. Default: 50. */
  readonly waiting?: number;
  /** The longest wait that is still fine, in percent of `acquireTimeout`. Default: 50. */
  readonly waitPercent?: number;
  /** How long a failure to connect is remembered, in milliseconds. Default: 30000. */
  readonly connectErrorFor?: number;
}

/** The one table of the thresholds. */
export const healthThresholdTable = {
  utilization: {
    kind: 'number',
    min: 1,
    max: 100,
    default: 90,
    about: 'The pool counts as overused when at least this percentage of the limit is in use.',
  },
  utilizationFor: {
    kind: 'number',
    min: 0,
    max: 86_400_000,
    default: 30_000,
    about: 'How long the use must stay that high without a break, in milliseconds.',
  },
  waiting: { kind: 'number', min: 1, max: Number.MAX_SAFE_INTEGER, default: 50, about: 'This many waiting acquires count as too many.' },
  waitPercent: {
    kind: 'number',
    min: 1,
    max: 100,
    default: 50,
    about: 'The longest wait that is still healthy, as a percentage of acquireTimeout.',
  },
  connectErrorFor: {
    kind: 'number',
    min: 0,
    max: 86_400_000,
    default: 30_000,
    about: 'How long a failure to connect counts against the health, in milliseconds.',
  },
} as const satisfies Record<keyof HealthThresholds, OptionSpec>;

/** `pass`: fine. `warn`: the pool serves, but an operator should look. `fail`: it cannot serve. */
export type CheckStatus = 'pass' | 'warn' | 'fail';

/** One question of the many that make up the health of a pool, and its answer. */
export interface HealthCheck {
  readonly name:
    | 'writer'
    | 'readers'
    | 'state'
    | 'connections'
    | 'connect-errors'
    | 'endpoint'
    | 'credentials'
    | 'fleet'
    | 'utilization'
    | 'waiting'
    | 'callers'
    | 'leaks'
    | 'breakers'
    | 'query';
  readonly status: CheckStatus;
  /** What was found, in words. */
  readonly message: string;
}

/** The verdict on a pool, with its reasons. */
export interface Health {
  /** `unhealthy` when a check fails, `degraded` when one warns. */
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  /** Whether the status is `healthy`. */
  readonly healthy: boolean;
  /** The reasons in words; when all is well, the use. */
  readonly message: string;
  readonly checks: readonly HealthCheck[];
}

/** How often the use is sampled. */
const SAMPLE_PERIOD_MS = 1_000;

/** Judges a pool by its counts, and by what it has seen of them over time. */
export class HealthMonitor {
  readonly #engine: Engine<unknown>;
  readonly #thresholds: Required<HealthThresholds>;
  readonly #clock: Clock;
  #timer: Timer | undefined = undefined;
  /** Since when every sample has been above the threshold. */
  #highSince: number | undefined = undefined;
  /** Acquires that had been shed at the last sample, and at the one before. */
  #shedAtSample = 0;
  #shedBefore = 0;
  #lastConnectFailure: { readonly at: number; readonly message: string } | undefined = undefined;

  readonly #callers = new CallerWindow();
  #poisoned: { readonly at: number; readonly message: string } | undefined = undefined;

  constructor(
    engine: Engine<unknown>,
    thresholds: Required<HealthThresholds>,
    clock: Clock = systemClock,
    private readonly breakers?: PoolBreakers,
  ) {
    this.#engine = engine;
    this.#thresholds = thresholds;
    this.#clock = clock;
    engine.on('connectFailed', ({ error }) => {
      this.#lastConnectFailure = { at: clock.now(), message: messageOf(error) };
    });
    this.#sampleUse();
  }

  /** The server answered that it is read-only, shutting down, or draining. */
  notePoisoned(message: string): void {
    this.#poisoned = { at: this.#clock.now(), message };
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /**
   * @param query runs a statement; given, it is the last check
   * @param more what a layer above has found
   */
  async check(query?: () => Promise<void>, more: readonly HealthCheck[] = []): Promise<Health> {
    const summary = this.#engine.summary();
    const checks = [
      this.#checkState(summary),
      this.#checkConnections(summary),
      this.#checkConnectErrors(),
      this.#checkEndpoint(),
      this.#checkUtilization(summary),
      this.#checkWaiting(summary),
      { name: 'callers' as const, ...this.#callers.check(this.#callerTotals()) },
      this.#checkLeaks(),
      this.#checkBreakers(),
      ...more,
    ];
    if (query !== undefined) checks.push(await this.#checkQuery(query));
    return healthOf(checks, summary);
  }

  #sampleUse(): void {
    const now = this.#clock.now();
    this.#shedBefore = this.#shedAtSample;
    this.#shedAtSample = this.#engine.glance().shed;
    this.#callers.sample(this.#callerTotals());
    if (utilizationOf(this.#engine.summary()) < this.#thresholds.utilization) this.#highSince = undefined;
    else this.#highSince ??= now;
    this.#timer = this.#clock.setTimer(() => this.#sampleUse(), SAMPLE_PERIOD_MS);
    this.#timer.unref();
  }

  #checkState({ state }: PoolSummary): HealthCheck {
    return { name: 'state', status: state === 'running' ? 'pass' : 'fail', message: `the pool is ${state}` };
  }

  #checkConnections({ idle, used, checking, total }: PoolSummary): HealthCheck {
    const failure = this.#engine.stats().lastConnectError;
    const none = idle + used + checking === 0;
    if (!none || failure === undefined) return { name: 'connections', status: 'pass', message: `${total} connections are open` };
    return { name: 'connections', status: 'fail', message: `no connection can be opened: ${failure.message}` };
  }

  #checkConnectErrors(): HealthCheck {
    const failure = this.#lastConnectFailure;
    const agoMs = failure === undefined ? Number.POSITIVE_INFINITY : this.#clock.now() - failure.at;
    if (failure === undefined || agoMs > this.#thresholds.connectErrorFor) {
      return { name: 'connect-errors', status: 'pass', message: 'no connection failed to open recently' };
    }
    return { name: 'connect-errors', status: 'warn', message: `a connection failed to open ${seconds(agoMs)} ago: ${failure.message}` };
  }

  #checkEndpoint(): HealthCheck {
    const note = this.#poisoned;
    const agoMs = note === undefined ? Number.POSITIVE_INFINITY : this.#clock.now() - note.at;
    if (note === undefined || agoMs > this.#thresholds.connectErrorFor)
      return { name: 'endpoint', status: 'pass', message: 'the server takes writes, as far as is known' };
    return { name: 'endpoint', status: 'warn', message: `${seconds(agoMs)} ago the server refused work: ${note.message}` };
  }

  #checkUtilization(summary: PoolSummary): HealthCheck {
    const { utilization, utilizationFor } = this.#thresholds;
    const percent = utilizationOf(summary);
    const highForMs = this.#highSince === undefined || percent < utilization ? 0 : this.#clock.now() - this.#highSince;
    const message = `${summary.used} of ${summary.limit} connections are in use (${percent} %)`;
    if (highForMs < utilizationFor || percent < utilization) return { name: 'utilization', status: 'pass', message };
    return { name: 'utilization', status: 'warn', message: `${message}, at least ${utilization} % for ${seconds(highForMs)}` };
  }

  #checkWaiting({ waiting, longestWaitMs, used, limit }: PoolSummary): HealthCheck {
    const shedNow = this.#engine.glance().shed - this.#shedBefore;
    const { acquireTimeout } = this.#engine.options;
    const longestFine = acquireTimeout > 0 ? (acquireTimeout * this.#thresholds.waitPercent) / 100 : Number.POSITIVE_INFINITY;
    if (shedNow > 0)
      return { name: 'waiting', status: 'warn', message: `overloaded: ${shedNow} callers were refused within about a second` };
    const message = waiting === 0 ? 'no caller waits' : `${waiting} callers wait, the longest for ${seconds(longestWaitMs)}`;
    const exhausted = used >= limit && longestWaitMs >= BRIEF_WAIT_MS;
    const tooLong = exhausted || waiting >= this.#thresholds.waiting || longestWaitMs >= longestFine;
    return { name: 'waiting', status: tooLong ? 'warn' : 'pass', message };
  }

  #callerTotals(): CallerTotals {
    const { acquired, timedOut, refused, shed } = this.#engine.glance();
    const { connect, statement } = this.breakers ?? {};
    return { served: acquired, timedOut, refused: refused + (connect?.refused ?? 0) + (statement?.refused ?? 0), shed };
  }

  #checkLeaks(): HealthCheck {
    const { leaked } = this.#engine.glance();
    if (leaked === 0) return { name: 'leaks', status: 'pass', message: 'no connection seems to be leaked' };
    return { name: 'leaks', status: 'warn', message: `${leaked} connections may be leaked: their borrowers run no statement` };
  }

  /** While a connection is open, the breaker for connecting refuses no caller. The check of connect errors reports such a failure. */
  #checkBreakers(): HealthCheck {
    const name = 'breakers';
    const { connect, statement, cache } = this.breakers ?? {};
    const unreachable = this.#engine.usable === 0;
    const failing = [
      ...(statement?.closed === false ? [statement] : []),
      ...(connect?.closed === false && (unreachable || connect.state === 'isolated') ? [connect] : []),
      // Without Redis the database answers.
      ...(cache?.closed === false ? [cache] : []),
    ];
    if (failing.length === 0) return { name, status: 'pass', message: 'no breaker refuses callers' };
    const serves = failing.every((breaker) => breaker === cache || (breaker === connect ? !unreachable : breaker.state === 'half-open'));
    const words = failing.map((breaker) => wordsOf(breaker.snapshot()));
    return { name, status: serves ? 'warn' : 'fail', message: words.join('; ') };
  }

  async #checkQuery(query: () => Promise<void>): Promise<HealthCheck> {
    const startedAt = this.#clock.now();
    try {
      await query();
      return { name: 'query', status: 'pass', message: `a query took ${Math.round(this.#clock.now() - startedAt)} ms` };
    } catch (error) {
      return { name: 'query', status: 'fail', message: `a query failed: ${messageOf(error)}` };
    }
  }
}

/** What to say of a breaker that is not closed. */
export function wordsOf({ name, state, reason }: Pick<BreakerSnapshot, 'name' | 'state' | 'reason'>): string {
  return `breaker '${name}' is ${state}: ${reason ?? 'no reason was given'}`;
}

/** Connections in use in percent of the limit, rounded. */
export function utilizationOf({ used, limit }: Pick<PoolSummary, 'used' | 'limit'>): number {
  return Math.round((used / limit) * 100);
}

function healthOf(checks: readonly HealthCheck[], { used, limit }: PoolSummary): Health {
  const failed = checks.some((check) => check.status === 'fail');
  const reasons = checks.filter((check) => check.status !== 'pass');
  const status = failed ? 'unhealthy' : reasons.length > 0 ? 'degraded' : 'healthy';
  const message = reasons.length > 0 ? reasons.map((check) => check.message).join('; ') : `${used} of ${limit} connections are in use`;
  return Object.freeze({ status, healthy: status === 'healthy', message, checks: Object.freeze(checks) });
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
