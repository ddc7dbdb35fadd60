/** How long one caller waits for a value: the limits, their validation, and a wait that keeps to them. */
import { PoolError } from '../../engine/index.js';
import { checkedMilliseconds, checkedSignal, within } from '../../engine/waiting/index.js';

/** How long a caller waits. */
export interface CallerLimits {
  /** Milliseconds; 0 = without a limit. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws PoolError `POOL_OPTION_INVALID` */
export function checkLimits({ timeout, signal }: CallerLimits): void {
  if (timeout !== undefined) checkedMilliseconds('timeout', timeout);
  checkedSignal(signal);
}

/** The answer, unless one of the limits is reached before: then it rejects with `POOL_QUERY_TIMEOUT` or `POOL_ABORTED`. */
export function withinLimits<T>(answer: Promise<T>, timeout: number, signal: AbortSignal | undefined): Promise<T> {
  return within(answer, timeout === 0 ? Number.POSITIVE_INFINITY : timeout, () => tooSlow(timeout), { signal, aborted: givenUp });
}

function tooSlow(timeout: number): PoolError {
  return new PoolError('POOL_QUERY_TIMEOUT', `The statement took longer than ${Math.round(timeout)} ms and was stopped.`);
}

function givenUp(cause: unknown): PoolError {
  return new PoolError('POOL_ABORTED', 'The caller gave up the statement.', { cause });
}
