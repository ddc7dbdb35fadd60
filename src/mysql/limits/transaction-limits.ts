/** The time that a transaction has, and the signal that may stop it. */

import { LONGEST_TIMER_MS, PoolError, systemClock, type Timer } from '../../engine/index.js';
import { onAbort, performance, waitOrAbort } from '../../engine/waiting/index.js';

/** The limits of one transaction, with all of its runs. */
export class TransactionLimits {
  readonly #deadline: number;
  /** Nothing can stop a transaction that has neither. */
  readonly #stop: AbortController | undefined;
  readonly #timer: Timer | undefined;
  readonly #unlink: (() => void) | undefined;

  constructor({ timeout = 0, signal }: { readonly timeout?: number; readonly signal?: AbortSignal }) {
    this.#deadline = timeout > 0 ? performance.now() + timeout : Number.POSITIVE_INFINITY;
    if (timeout === 0 && signal === undefined) return;
    const stop = new AbortController();
    this.#stop = stop;
    const timeUp = (): void =>
      stop.abort(new PoolError('POOL_QUERY_TIMEOUT', `The transaction took longer than ${timeout} ms and was rolled back.`));
    const aborted = (): void => stop.abort(new PoolError('POOL_ABORTED', 'The caller aborted the transaction.', { cause: signal?.reason }));
    if (timeout > 0 && timeout <= LONGEST_TIMER_MS) this.#timer = systemClock.setTimer(timeUp, timeout);
    if (signal?.aborted === true) aborted();
    else if (signal !== undefined) this.#unlink = onAbort(signal, aborted);
  }

  get signal(): AbortSignal | undefined {
    return this.#stop?.signal;
  }

  get over(): boolean {
    return this.#stop?.signal.aborted === true;
  }

  throwIfOver(): void {
    this.#stop?.signal.throwIfAborted();
  }

  /** Milliseconds; `Infinity` when there is no deadline. */
  get remainingMs(): number {
    return this.#deadline === Number.POSITIVE_INFINITY ? this.#deadline : Math.max(this.#deadline - performance.now(), 0);
  }

  /** The promise's outcome, or the reason to stop: the first of the two. */
  race<T>(promise: Promise<T>): Promise<T> {
    return this.#stop === undefined ? promise : waitOrAbort(promise, this.#stop.signal);
  }

  end(): void {
    this.#timer?.cancel();
    this.#unlink?.();
  }
}
