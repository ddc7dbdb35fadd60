/** Retries of a piece of work: how often, how soon, after which errors. */

import { checkedSignal, ignoreRejection, pause } from '../../engine/waiting/index.js';
import {
  type Clock,
  type OptionSpec,
  PoolError,
  type RandomSource,
  refuseUnknownOptions,
  resolveFromTable,
  systemClock,
} from '../../engine/contract/index.js';
import { currentDeadline, throwIfOver } from '../deadline/index.js';
import type { RetryBudget } from './retry-budget.js';

/** How often and how soon. Durations are in milliseconds. */
export interface RetryTiming {
  /** Runs in all, with the first. Default: 3. */
  readonly attempts?: number;
  /** The shortest time before a retry, in milliseconds. Default: 20. */
  readonly shortestDelay?: number;
  /** The longest time before a retry, in milliseconds. Default: 1 000. */
  readonly longestDelay?: number;
  /** No retry begins later than this after the first failure, in milliseconds; a deadline counts too, if it is earlier. Default: 5 000. */
  readonly totalTime?: number;
}

/** The one table of the timing. */
export const retryTimingTable = {
  attempts: { kind: 'number', min: 1, max: 100, default: 3, about: 'The most runs in total, including the first.' },
  shortestDelay: { kind: 'number', min: 0, max: 3_600_000, default: 20, about: 'The shortest time before a retry, in milliseconds.' },
  longestDelay: { kind: 'number', min: 0, max: 3_600_000, default: 1_000, about: 'The longest time before a retry, in milliseconds.' },
  totalTime: {
    kind: 'number',
    min: 0,
    max: 86_400_000,
    default: 5_000,
    about: 'No retry begins later than this after the first failure, in milliseconds. A deadline also applies.',
  },
} as const satisfies Record<keyof RetryTiming, OptionSpec>;

/** How often and when work is run again, and after which errors. */
export interface RetryOptions extends RetryTiming {
  /** Whether the work may be run again after this error. Default: unless the caller gave up or a breaker refused. */
  readonly retryable?: (error: unknown) => boolean | Promise<boolean>;
  /** Gives up when it aborts, even while it waits for the next attempt. */
  readonly signal?: AbortSignal;
  /** Bounds the retries of all who share it. */
  readonly budget?: RetryBudget;
  /** Called before each retry. */
  readonly onRetry?: (retry: { readonly error: unknown; readonly attempt: number; readonly delayMs: number }) => void;
}

/** Time and chance, for tests. */
export interface RetryEnvironment {
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

/**
 * When the next attempt of one piece of work may begin. Delays have decorrelated jitter: a random time between the shortest and three times
 * the last one (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015).
 */
export class RetrySchedule {
  /** Attempts that have failed. */
  failures = 0;
  /** What the last attempt failed with. */
  lastError: Error | undefined = undefined;
  #delayMs: number;
  #firstFailureAt = 0;

  constructor(
    private readonly timing: Required<RetryTiming>,
    private readonly random: RandomSource,
  ) {
    this.#delayMs = timing.shortestDelay;
  }

  /**
   * An attempt has failed.
   *
   * @param remainingMs how much time the caller has left
   * @returns milliseconds until the next one; nothing when there must be none
   */
  next(now: number, remainingMs: number): number | undefined {
    const { attempts, shortestDelay, longestDelay, totalTime } = this.timing;
    this.failures += 1;
    if (this.failures === 1) this.#firstFailureAt = now;
    if (this.failures >= attempts) return undefined;
    this.#delayMs = Math.min(shortestDelay + this.random() * Math.max(this.#delayMs * 3 - shortestDelay, 0), longestDelay);
    const leftMs = Math.min(this.#firstFailureAt + totalTime - now, remainingMs);
    return this.#delayMs < leftMs ? this.#delayMs : undefined;
  }
}

/**
 * Runs `work` again after failures. It must bear being run twice: only the caller knows that.
 *
 * @throws what the last run threw; PoolError `POOL_ABORTED`, `POOL_OPTION_INVALID`
 *
 * @example
 * ```ts
 * const rates = await retry(() => fetchRates(), { attempts: 4 });
 * ```
 */
export async function retry<T>(
  work: (attempt: number) => T | Promise<T>,
  options: RetryOptions = {},
  { clock = systemClock, random = Math.random }: RetryEnvironment = {},
): Promise<T> {
  const { retryable = isRetryable, signal, budget, onRetry, ...timing } = options;
  checkedSignal(signal);
  const schedule = new RetrySchedule(resolveRetryTiming(timing), random);
  budget?.called();
  for (let attempt = 1; ; attempt += 1) {
    throwIfAborted(signal);
    if (attempt === 1) throwIfOver(currentDeadline(), 'POOL_QUERY_TIMEOUT', 'the work was begun');
    try {
      return await work(attempt);
    } catch (error) {
      if (!(await retryable(error))) throw error;
      const deadline = currentDeadline();
      const delayMs = schedule.next(clock.now(), deadline?.over === true ? 0 : (deadline?.remainingMs ?? Number.POSITIVE_INFINITY));
      if (delayMs === undefined || budget?.take() === false) throw error;
      ignoreRejection(onRetry?.({ error, attempt: attempt + 1, delayMs }));
      await pause(delayMs, { clock, signals: [signal, deadline?.givenUp] });
      // The caller gave up meanwhile: what is known is the error.
      if (deadline?.over === true) throw error;
    }
  }
}

/** @throws PoolError `POOL_OPTION_INVALID` */
function resolveRetryTiming(given: RetryTiming): Required<RetryTiming> {
  refuseUnknownOptions(given, Object.keys(retryTimingTable));
  return resolveFromTable(retryTimingTable, given) as unknown as Required<RetryTiming>;
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new PoolError('POOL_ABORTED', 'The caller gave up.', { cause: signal.reason });
}

function isRetryable(error: unknown): boolean {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  return name !== 'AbortError' && code !== 'ABORT_ERR' && code !== 'POOL_ABORTED' && code !== 'POOL_BREAKER_OPEN';
}
