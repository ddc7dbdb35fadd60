/** Redis for the layers above: connections, URLs, and answers within a time. */

export { answerWithin, Overdue } from './overdue.js';
export { connectRedis, type RedisConnection, type RedisUse } from './redis-connection.js';
export { parseRedisUrl, type RedisTarget, unshownTarget } from './redis-url.js';
