/** The cache's two clients of Redis, and the commands that it sends over them. */
import { connectRedis, type RedisConnection, type RedisTarget } from '../../redis/index.js';
import { SCRIPTS } from './scripts.js';

/** The part of the client that the cache uses: the same for one server, for the sentinels' master and for a cluster. */
export interface RedisClient extends RedisConnection {
  /** A value, and how many milliseconds Redis still keeps it. */
  getWithLifeBuffer(key: string): Promise<[Buffer | null, number]>;
  pttl(key: string): Promise<number>;
  set(key: string, value: Buffer | string, px: 'PX', milliseconds: number, nx?: 'NX'): Promise<'OK' | null>;
  del(key: string): Promise<number>;
  xread(...parameters: (string | number)[]): Promise<unknown>;
  xrange(key: string, from: string, to: string): Promise<unknown>;
  joinLedger(id: string, counter: string, log: string, token: string, limit: number): Promise<[string, string]>;
  publishToLedger(id: string, counter: string, log: string, expectedId: string, message: string, limit: number): Promise<number>;
  releaseLock(key: string, token: string): Promise<number>;
}

/**
 * Two clients that connect in the background and try again without end. Their commands fail at once while they are not connected.
 *
 * @param boundMs how long a sentinel may take to name the master
 * @throws PoolError `POOL_OPTION_INVALID`; Error `MODULE_NOT_FOUND` when ioredis is not installed
 */
export function createRedisClients(target: RedisTarget, boundMs: number): { readonly client: RedisClient; readonly reader: RedisClient } {
  const [client, reader] = connectRedis<RedisClient>(target, {
    user: 'The Redis tier of the cache',
    scripts: SCRIPTS,
    boundMs,
    pipelining: [true, false],
  }) as [RedisClient, RedisClient];
  return { client, reader };
}

/** Whether Redis has reached its maxmemory and its policy evicts nothing. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.includes('OOM');
}
