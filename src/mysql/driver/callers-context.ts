/** Callbacks of callers, which run in their callers' own context and cannot disturb mysql2. */

import { AsyncResource } from 'node:async_hooks';
import { throwLater } from '../../engine/waiting/index.js';

type Callback = (...result: never[]) => unknown;
type AnyCallback = (...result: unknown[]) => unknown;

/** A callback that runs where it was given, not where the socket or another caller happens to be (AsyncLocalStorage). */
export function inCallersContext<C extends Callback>(callback: C): C {
  return AsyncResource.bind(callback as unknown as AnyCallback) as unknown as C;
}

/**
 * The same for a callback that mysql2 calls in the middle of its work: what it throws ends in the process's own handler when that is done,
 * and not in mysql2, which would call it once more and lose track of its connection.
 */
export function apartFromDriver<C extends Callback>(callback: C): C {
  const bound = inCallersContext(callback as unknown as AnyCallback);
  return ((...result: unknown[]): void => {
    try {
      bound(...result);
    } catch (error) {
      throwLater(error);
    }
  }) as unknown as C;
}
