import { performance } from 'node:perf_hooks';
import { LONGEST_TIMER_MS, onAbort, PoolError } from '../engine/index.js';

/** The time that a transaction has, and whoever may stop it. */
export class TransactionLimits {
  readonly #deadline: number;
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #unlink: (() => void) | undefined;
  readonly limited: boolean;

  constructor({ timeout = 0, signal }: { readonly timeout?: number; readonly signal?: AbortSignal }) {
    this.limited = timeout > 0 || signal !== undefined;
    this.#deadline = timeout > 0 ? performance.now() + timeout : Number.POSITIVE_INFINITY;
    const timeUp = (): void =>
      this.#stop.abort(new PoolError('POOL_QUERY_TIMEOUT', `The transaction took longer than ${timeout} ms and was rolled back.`));
    const aborted = (): void =>
      this.#stop.abort(new PoolError('POOL_ABORTED', 'The caller gave up the transaction.', { cause: signal?.reason }));
    if (timeout > 0 && timeout <= LONGEST_TIMER_MS) this.#timer = setTimeout(timeUp, timeout);
    if (signal?.aborted === true) aborted();
    else if (signal !== undefined) this.#unlink = onAbort(signal, aborted);
  }

  get signal(): AbortSignal | undefined {
    return this.limited ? this.#stop.signal : undefined;
  }

  get over(): boolean {
    return this.#stop.signal.aborted;
  }

  throwIfOver(): void {
    this.#stop.signal.throwIfAborted();
  }

  /** Milliseconds; `Infinity` when there is no deadline. */
  get remainingMs(): number {
    return Math.max(this.#deadline - performance.now(), 0);
  }

  /** The promise's outcome, or the reason to stop, whichever comes first. */
  async race<T>(promise: Promise<T>): Promise<T> {
    if (!this.limited) return await promise;
    const { signal } = this.#stop;
    let unlink: (() => void) | undefined;
    const stopped = new Promise<never>((_, reject) => {
      const stop = (): void => reject(signal.reason as PoolError);
      if (signal.aborted) stop();
      else unlink = onAbort(signal, stop);
    });
    try {
      return await Promise.race([promise, stopped]);
    } finally {
      unlink?.();
      // Whichever loses may still fail.
      promise.catch(ignore);
      stopped.catch(ignore);
    }
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#unlink?.();
  }
}

function ignore(): void {}
