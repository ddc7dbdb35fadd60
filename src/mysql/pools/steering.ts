/** How a layer above steers a pool whose connections lead to a place that changes. */

import type { LendingHold } from '../../engine/index.js';
import type { Health, HealthCheck } from '../observation/index.js';
import type { ResolvedOptions } from '../options/index.js';

/**
 * What a pool saw that says something about its server. 'connect': a connection could not be opened. 'lost': one was lost. 'refused': the server
 * answers that it is read-only, shutting down, or draining.
 */
export interface Doubt {
  readonly kind: 'connect' | 'lost' | 'refused';
  readonly message: string;
}

/** The parts of a pool that only a layer above uses. A pool that is steered has `moves` in its options. */
export interface PoolSteering {
  /** Connections are opened there from now on. Those that lead elsewhere are not lent any more, and closed when they are given back. */
  moveTo(options: ResolvedOptions): void;
  /** Closes what is not lent, and what is lent when it is given back; none of these is lent again. */
  leavePlace(): void;
  /** Opens and lends nothing until `hold(undefined)`: callers wait within their deadlines, unless the hold refuses them. */
  hold(hold: LendingHold | undefined): void;
  /** Calls back for all that says something about the server, possibly in the middle of a transition of the pool. */
  onDoubt(listener: (doubt: Doubt) => void): void;
  /** How long the oldest of the running statements has been running, in milliseconds; 0 = none runs. */
  readonly longestRunningMs: number;
  /** Cuts off the connections whose statement has been running for so long. Returns how many. */
  endStatements(afterMs: number, why: string): number;
  /** Cuts off every connection, with what runs on it. Returns how many. */
  cutOff(why: string): number;
  /** The health of the pool, and more checks of the layer that steers it. */
  health(deep: boolean, more: readonly HealthCheck[]): Promise<Health>;
}
