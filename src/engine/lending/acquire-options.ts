/** What an acquire may ask for: how long it waits, what ends its wait, and how it is scheduled. */

import { invalidUnquoted, type ResourceMark, PoolError, type ResourceFactory } from '../contract/index.js';
import type { Priority } from '../queue/index.js';

/** How one acquire may wait. */
export interface AcquireOptions {
  /** Milliseconds, 0 = without limit. Default: the pool's `acquireTimeout`. */
  readonly timeout?: number;
  /** Gives up waiting when it aborts. The opening of a connection is never cancelled by it. */
  readonly signal?: AbortSignal;
  /** With `scheduling: 'fair'`: the more urgent are served first, and refused last. Default: 'normal'. */
  readonly priority?: Priority;
  /** With `scheduling: 'fair'`: on whose behalf, for example a tenant. Keys take turns, however much each of them asks for. */
  readonly fairnessKey?: string;
  /** What the caller wants to find set up in the resource; needs a factory with `prepare`. Default: nothing. */
  readonly mark?: ResourceMark;
}

/** What is wrong with a mark, if anything is. */
export function invalidMark(mark: ResourceMark | undefined, { prepare }: Pick<ResourceFactory<never>, 'prepare'>): PoolError | undefined {
  if (mark === undefined) return undefined;
  if (prepare === undefined) return new PoolError('POOL_OPTION_INVALID', 'mark needs a pool whose factory has the method prepare.');
  return typeof (mark as Partial<ResourceMark> | null)?.key === 'string'
    ? undefined
    : invalidUnquoted('mark', mark, 'an object whose key is a string');
}
