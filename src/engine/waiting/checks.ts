/** Checks of what a caller gives to bound a wait: a number of milliseconds, an AbortSignal. */

import { invalid, type PoolError } from '../contract/index.js';
import { isAbortSignal } from './abort.js';

const MILLISECONDS = 'a number of milliseconds, at least 0';

/** The error for a value that is no number of milliseconds, if it is none. 0 and `Infinity` are numbers of milliseconds. */
export function invalidMilliseconds(name: string, value: unknown, allowed = MILLISECONDS): PoolError | undefined {
  return typeof value === 'number' && value >= 0 ? undefined : invalid(name, value, allowed);
}

/**
 * Returns `value`, which must be a number of milliseconds; 0 and `Infinity` are.
 *
 * @param name of the option, for the message
 * @param allowed what the option takes, for the message, where that is more than a number of milliseconds
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function checkedMilliseconds(name: string, value: unknown, allowed = MILLISECONDS): number {
  const error = invalidMilliseconds(name, value, allowed);
  if (error !== undefined) throw error;
  return value as number;
}

/** The error for a value that is neither an AbortSignal nor nothing, if it is neither. */
export function invalidSignal(value: unknown): PoolError | undefined {
  return value === undefined || isAbortSignal(value) ? undefined : invalid('signal', value, 'an AbortSignal');
}

/**
 * Returns `value`, which must be an AbortSignal or nothing.
 *
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function checkedSignal(value: unknown): AbortSignal | undefined {
  const error = invalidSignal(value);
  if (error !== undefined) throw error;
  return value as AbortSignal | undefined;
}
