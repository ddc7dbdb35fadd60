/** What a caller's own code throws, as an error that a callback cannot take for none. */

import { isNativeError } from 'node:util/types';
import { PoolError } from '../../engine/index.js';

/**
 * What was thrown, if it is an error; else an error with that as its cause. A callback that is given no error takes the statement for done.
 *
 * @param what must be so, for the message
 * @param given what was not so, for the message
 */
export function thrownAsError(thrown: unknown, what: string, given: string): Error {
  if (thrown instanceof Error || isNativeError(thrown)) return thrown;
  return new PoolError('POOL_OPTION_INVALID', `${what}; given: ${given}.`, { cause: thrown });
}
