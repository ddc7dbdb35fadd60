/** What can be wrong with a pool, and what is read of a pool to find it. */

import type { Borrowed, ConnectFailure } from '../../engine/index.js';
import type { Health, PoolStats, PublicOptions } from '../../mysql/index.js';
import type { JudgedTopology } from './cluster.js';

/** What is wrong. 'other': what only a check of the pool's health knows. */
export type Cause =
  | 'suspended'
  | 'ending'
  | 'no-writer'
  | 'database-away'
  | 'breaker'
  | 'exhausted'
  | 'callers-fail'
  | 'leak'
  | 'read-only'
  | 'replicas'
  | 'connect-errors'
  | 'cache-away'
  | 'fleet'
  | 'busy'
  | 'other';

/** One thing that is wrong. */
export interface Trouble {
  readonly cause: Cause;
  readonly status: 'degraded' | 'unhealthy';
  /** A main clause, with a capital letter first and without a full stop: 'No server takes writes'. */
  readonly what: string;
  /** What is said after since when it is so, each without a full stop: '3 callers wait'. */
  readonly tail?: readonly string[];
  /** The same when it is over, with a small letter first. */
  readonly was: string;
  /** One sentence each; empty ones are dropped. */
  readonly details: readonly string[];
  /** Since when, in milliseconds since 1970, where the snapshot itself knows. */
  readonly since?: number;
  /** It is over, and only the memory of it is left. */
  readonly isOver?: boolean;
}

/** What is read of a pool to judge it: a part of the live feed, or of what procedures answer. */
export interface JudgedPool {
  readonly health: Pick<Health, 'status' | 'checks'>;
  readonly stats: Pick<PoolStats, 'state' | 'limit' | 'used' | 'total' | 'waiting' | 'longestWaitMs' | 'breakers'> & {
    readonly lastConnectError: ConnectFailure | null;
    readonly options: Pick<PublicOptions, 'leakDetectionThreshold'>;
  };
  /** Those that are known, the longest-held first. */
  readonly borrowed: readonly Borrowed[];
  /** How many of all borrowers were reported as leaks and have run nothing since. */
  readonly leaked: number;
  /** Of a cluster. Null or absent: the pool is none, or it is not known. */
  readonly topology?: JudgedTopology | null;
}
