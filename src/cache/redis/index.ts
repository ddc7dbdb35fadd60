/** The Redis tier: clients, values, locks, and the ledger of invalidations. */

export { createRedisClients } from './redis-client.js';
export { type Found, type Lock, RedisTier } from './redis-tier.js';
export { bytesOf } from './codec.js';
