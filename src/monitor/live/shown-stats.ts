/** The statistics and options of a pool as JSON has them. */

import type { ConnectFailure } from '../../engine/index.js';
import type { PoolStats, PublicOptions } from '../../mysql/index.js';
import type { ObservedPool } from '../../telemetry/index.js';

/** The options in force as JSON has them. */
export interface ShownOptions extends Omit<PublicOptions, 'validateAfterIdle' | 'sizeRange' | 'endpoint' | 'user'> {
  /** 'Infinity', as it is written in a URL or in the environment, when connections are never validated: JSON has no such number. */
  readonly validateAfterIdle: number | 'Infinity';
  readonly sizeRange: { readonly min: number; readonly max: number } | null;
  readonly endpoint: { readonly host: string; readonly port: number; readonly socketPath: string | null; readonly database: string | null };
  readonly user: string | null;
}

/** A pool's statistics as JSON has them, and its options. */
export interface ShownStats extends Omit<PoolStats, 'lastConnectError'> {
  readonly lastConnectError: ConnectFailure | null;
  readonly options: ShownOptions;
}

export function shownStats(pool: ObservedPool): ShownStats {
  const { lastConnectError = null, ...stats } = pool.stats();
  return { ...stats, lastConnectError, options: shownOptions(pool.options) };
}

function shownOptions({ validateAfterIdle, sizeRange, endpoint, user, ...options }: PublicOptions): ShownOptions {
  return {
    ...options,
    validateAfterIdle: validateAfterIdle === Number.POSITIVE_INFINITY ? 'Infinity' : validateAfterIdle,
    sizeRange: sizeRange ?? null,
    endpoint: { ...endpoint, socketPath: endpoint.socketPath ?? null, database: endpoint.database ?? null },
    user: user ?? null,
  };
}
