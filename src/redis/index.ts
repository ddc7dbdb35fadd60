/** Clients of Redis that stay connected: to one server, to the master that sentinels name, or to a cluster. */

export { answerWithin, Overdue } from './overdue.js';
export { connectRedis, type RedisConnection, type RedisUse } from './redis-connection.js';
export { parseRedisUrl, type RedisTarget, unshownTarget } from './redis-url.js';
