/** The Redis tier: clients, values, locks, and the ledger of invalidations. */

export { createRedisClients, type RedisTarget } from './redis-client.js';
export { type Found, RedisTier } from './redis-tier.js';
