/** The calls of a factory that may fail without harm to the pool, each guarded. */

import type { CloseReason, ResourceFactory } from '../contract/index.js';
import { ignore, inRootContext, throwLater } from '../waiting/index.js';

/** A throw is the process's problem: a transition that was given up half-way would leave callers waiting without end. */
export function parkResource<R>(factory: ResourceFactory<R>, resource: R): void {
  try {
    factory.park?.(resource);
  } catch (error) {
    throwLater(error);
  }
}

/** As {@link parkResource}. */
export function unparkResource<R>(factory: ResourceFactory<R>, resource: R, why: 'lent' | 'closing'): void {
  try {
    factory.unpark?.(resource, why);
  } catch (error) {
    throwLater(error);
  }
}

/** Frees a resource that is no entry's, or whose goodbye takes too long. */
export function discardResource<R>(factory: ResourceFactory<R>, resource: R, reason: CloseReason): void {
  inRootContext(() => {
    attempt(() => factory.close(resource, { reason, force: true })).then(ignore, ignore);
  });
}

/** Calls a function of the factory so that a throw is a rejection. */
export async function attempt<T>(step: () => Promise<T> | undefined): Promise<T> {
  return (await step()) as T;
}
