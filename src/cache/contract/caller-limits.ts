/** How long one caller waits for a value: the limits, their validation, and a wait that keeps to them. */
import { invalid, isAbortSignal, LONGEST_TIMER_MS, onAbort, PoolError } from '../../engine/index.js';

/** How long a caller waits. */
export interface CallerLimits {
  /** Milliseconds; 0 = without a limit. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws PoolError `POOL_OPTION_INVALID` */
export function checkLimits({ timeout, signal }: CallerLimits): void {
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0))
    throw invalid('timeout', timeout, 'a number of milliseconds, at least 0');
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', signal, 'an AbortSignal');
}

/** The answer, unless the limits are reached before: then it rejects with `POOL_QUERY_TIMEOUT` or `POOL_ABORTED`. */
export function limited<T>(answer: Promise<T>, timeout: number, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => fail(new PoolError('POOL_ABORTED', 'The caller gave up the statement.', { cause: signal?.reason }));
    const timer =
      timeout === 0 || timeout > LONGEST_TIMER_MS
        ? undefined
        : setTimeout(
            () => fail(new PoolError('POOL_QUERY_TIMEOUT', `The statement took longer than ${Math.round(timeout)} ms and was stopped.`)),
            timeout,
          );
    const unlink = signal === undefined || signal.aborted ? undefined : onAbort(signal, giveUp);
    const end = (): void => {
      clearTimeout(timer);
      unlink?.();
    };
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    answer.then((value) => {
      end();
      resolve(value);
    }, fail);
    if (signal?.aborted === true) giveUp();
  });
}
