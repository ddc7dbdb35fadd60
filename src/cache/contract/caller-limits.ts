/** How long one caller waits for a value: the limits, their validation, and a wait that keeps to them. */
import { PoolError } from '../../engine/index.js';
import { checkedMilliseconds, checkedSignal, within } from '../../engine/waiting/index.js';

/** How long a caller waits. */
export interface CallerLimits {
  /** Milliseconds; 0 = without a limit. Default: 0. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws PoolError `POOL_OPTION_INVALID` */
export function checkLimits({ timeout, signal }: CallerLimits): void {
  if (timeout !== undefined) checkedMilliseconds('timeout', timeout);
  checkedSignal(signal);
}

/** What a caller waits for, in errors. */
export type Wanted = 'value' | 'statement';

/** The answer, unless one of the limits is reached before: then it rejects with `POOL_QUERY_TIMEOUT` or `POOL_ABORTED`. */
export function withinLimits<T>(answer: Promise<T>, { timeout = 0, signal }: CallerLimits, wanted: Wanted): Promise<T> {
  return within(answer, timeout === 0 ? Number.POSITIVE_INFINITY : timeout, () => tooSlow(timeout, wanted), {
    signal,
    aborted: (cause) => new PoolError('POOL_ABORTED', `The caller gave up the ${wanted}.`, { cause }),
  });
}

function tooSlow(timeout: number, wanted: Wanted): PoolError {
  const ms = `${Math.round(timeout)} ms`;
  return new PoolError(
    'POOL_QUERY_TIMEOUT',
    wanted === 'statement' ? `The statement took longer than ${ms} and was stopped.` : `The value was not loaded within ${ms}.`,
  );
}
