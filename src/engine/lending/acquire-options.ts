/** What an acquire may ask for: how long it waits, what ends its wait, and how it is scheduled. */

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
}
