import type { PoolOptions } from '../../src/engine/contract/options.js';
import type { Dice } from './dice.js';

/** Options of a pool, small enough that every limit is reached soon. */
export function randomOptions(dice: Dice): PoolOptions {
  const connectionLimit = 1 + dice.below(6);
  // Without priorities and keys a fair queue is first come, first served, too.
  const scheduling = dice.chance(60) ? 'fifo' : 'fair';
  const maxIdle = dice.chance(70) ? connectionLimit : dice.below(connectionLimit + 1);
  return {
    connectionLimit,
    maxIdle,
    minIdle: dice.below(maxIdle + 1),
    waitForConnections: dice.chance(93),
    queueLimit: dice.chance(80) ? 0 : 1 + dice.below(4),
    scheduling,
    fairnessLimit: scheduling === 'fifo' || dice.chance(50) ? 0 : 1 + dice.below(connectionLimit),
    waitTarget: dice.chance(80) ? 0 : dice.of([20, 300]),
    waitInterval: dice.of([20, 100]),
    acquireTimeout: dice.of([0, 40, 500, 30_000]),
    connectTimeout: dice.of([0, 120, 10_000]),
    idleTimeout: dice.of([0, 400, 5_000]),
    maxLifetime: dice.of([0, 600, 8_000]),
    keepaliveInterval: dice.of([0, 300, 3_000]),
    validateAfterIdle: dice.of([0, 60, 500, Number.POSITIVE_INFINITY]),
    validationTimeout: dice.of([30, 800]),
    leakDetectionThreshold: dice.of([0, 0, 250]),
    maxUses: dice.of([0, 0, 1, 4]),
  };
}
