/** The deadline of a piece of work, which all calls inside it share through the asynchronous context. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { anySignal, checkedMilliseconds, isAbortSignal, onAbort } from '../../engine/waiting/index.js';
import { LONGEST_TIMER_MS, PoolError, type PoolErrorCode, systemClock } from '../../engine/contract/index.js';

/** The moment by which everything inside a {@link withDeadline} must be over, and the signal that may end it before. */
export class WorkDeadline {
  /** Aborts when the work is given up; not when its time is up. */
  readonly givenUp: AbortSignal | undefined;
  readonly #at: number;
  #signal: AbortSignal | undefined = undefined;
  #unlink: (() => void) | undefined = undefined;

  /** @internal @param at in milliseconds of the system clock */
  constructor(at: number, givenUp: AbortSignal | undefined) {
    this.#at = at;
    this.givenUp = givenUp;
  }

  /** Milliseconds; 0 when it has passed, `Infinity` when there is none. */
  get remainingMs(): number {
    return Math.max(this.#at - systemClock.now(), 0);
  }

  /** Whether nothing more should be started. */
  get over(): boolean {
    return this.givenUp?.aborted === true || this.remainingMs === 0;
  }

  /** Aborts when the time is up or the work is given up, as long as the work lasts: for calls of your own, such as `fetch`. */
  get signal(): AbortSignal {
    this.#signal ??= this.#makeSignal();
    return this.#signal;
  }

  /** @internal The stricter of this one and a further limit. */
  and(at: number, givenUp: AbortSignal | undefined): WorkDeadline {
    return new WorkDeadline(Math.min(this.#at, at), either(this.givenUp, givenUp));
  }

  /** @internal The work is over: what gives it up, and may outlive it by far, keeps no reference to it. */
  end(): void {
    this.#unlink?.();
  }

  /** One of Node's own, which any API takes. */
  #makeSignal(): AbortSignal {
    const { givenUp } = this;
    const stop = new AbortController();
    const stopWith = (source: AbortSignal): (() => void) | undefined => {
      if (!source.aborted) return onAbort(source, () => stop.abort(source.reason));
      stop.abort(source.reason);
      return undefined;
    };
    if (givenUp !== undefined) this.#unlink = stopWith(givenUp);
    if (this.#at !== Number.POSITIVE_INFINITY) stopWith(AbortSignal.timeout(Math.min(Math.ceil(this.remainingMs), LONGEST_TIMER_MS)));
    return stop.signal;
  }
}

const NONE = new WorkDeadline(Number.POSITIVE_INFINITY, undefined);

const deadlines = new AsyncLocalStorage<WorkDeadline | undefined>();

/**
 * Sets a deadline for everything that `work` does with pools, retries and breakers, however deep: each acquire, statement, transaction and
 * retry inside gets what is left of it, and nothing is started when nothing is left. Inside another deadline, the stricter one counts.
 *
 * @param limit milliseconds from now, or a signal that gives the work up, for example that of a request whose client has gone
 * @throws what `work` throws; PoolError `POOL_OPTION_INVALID`
 *
 * @example
 * ```ts
 * app.get('/orders', (request, response) =>
 *   withDeadline(2_000, async () => response.json(await listOrders(request.user))),
 * );
 * ```
 */
export async function withDeadline<T>(limit: number | AbortSignal, work: (deadline: WorkDeadline) => T | Promise<T>): Promise<T> {
  const signal = isAbortSignal(limit) ? limit : undefined;
  if (signal === undefined) checkedMilliseconds('The deadline', limit, 'a number of milliseconds, at least 0, or an AbortSignal');
  const at = typeof limit === 'number' ? systemClock.now() + limit : Number.POSITIVE_INFINITY;
  const deadline = (deadlines.getStore() ?? NONE).and(at, signal);
  try {
    return await deadlines.run(deadline, async () => await work(deadline));
  } finally {
    deadline.end();
  }
}

/** The deadline of what is called here, if there is one. */
export function currentDeadline(): WorkDeadline | undefined {
  return deadlines.getStore();
}

/** Work that is done for other callers, too, and is bounded by no caller's deadline. */
export function withoutDeadline<T>(work: () => T): T {
  return deadlines.run(undefined, work);
}

/** Limits of a call: its own, and those of the deadline that it is made within: the stricter count. */
export interface CallLimits {
  /** Milliseconds; 0 = none. Default: 0. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What aborts with the first of two signals. */
export function either(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one === undefined || other === undefined || one === other ? (one ?? other) : anySignal([one, other]);
}

/** The limits of a call within a deadline: the stricter of each. */
export function stricter(
  { timeout = 0, signal }: CallLimits,
  { remainingMs, givenUp }: WorkDeadline,
): { timeout?: number; signal?: AbortSignal } {
  const both = either(signal, givenUp);
  // What is no number is refused where it is read.
  const own = timeout === 0 ? Number.POSITIVE_INFINITY : timeout;
  const limit = own < remainingMs || typeof own !== 'number' ? own : remainingMs;
  return { ...(limit === Number.POSITIVE_INFINITY ? {} : { timeout: limit }), ...(both === undefined ? {} : { signal: both }) };
}

/**
 * Ends work that is over before its next step.
 *
 * @param code of the error when the time is up
 * @param what had not been done yet, for the message
 * @throws PoolError `code`; `POOL_ABORTED` when the work was given up
 */
export function throwIfOver(deadline: WorkDeadline | undefined, code: PoolErrorCode, what: string): void {
  if (deadline?.over !== true) return;
  const { givenUp } = deadline;
  if (givenUp?.aborted === true) throw new PoolError('POOL_ABORTED', `The work was given up before ${what}.`, { cause: givenUp.reason });
  throw new PoolError(code, `The deadline had passed before ${what}.`);
}
