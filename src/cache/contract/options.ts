/** The options of a cache: their types, their defaults, and their validation. */

import { invalid, invalidUnquoted, type OptionSpec, PoolError, refuseUnknownOptions, resolveFromTable } from '../../engine/index.js';
import { type RedisTarget, unshownTarget } from '../../redis/index.js';
import { type CachePolicy, resolveDefaults, type ResolvedPolicy } from './policy.js';
import { type CacheRule, resolveRules, type ResolvedRules } from './rules.js';

/** The tier in Redis. */
export interface RedisCacheOptions extends RedisTarget {
  /** How long a command may take before the database is asked instead, in milliseconds. Default: 100. */
  readonly timeout?: number;
  /**
   * How long one process has the right to load a value alone, in milliseconds. When it dies meanwhile, another takes over; others wait at most
   * twice as long, then load it themselves. Default: 5000.
   */
  readonly lockTimeout?: number;
}

/** The tier in this process. */
export interface MemoryCacheOptions {
  /** How many bytes all values together may take. The oldest that were not used are dropped first. Default: 64 MiB. */
  readonly maxBytes?: number;
}

/** Turns values into something that only the owner of a secret can read, and back. Either may be asynchronous. */
export interface Encryption {
  encrypt(plain: Buffer): Buffer | Promise<Buffer>;
  /** Throws for bytes that `encrypt` has not made. */
  decrypt(encrypted: Buffer): Buffer | Promise<Buffer>;
}

/** What `createQueryCache` takes. */
export interface QueryCacheOptions {
  /**
   * Redis, which all processes share: `redis://user:password@host:port/db`, `rediss://` for TLS, `redis+cluster://host:port,host:port`,
   * `redis+sentinel://host:port,host:port/master`. Default: none, then each process has its own.
   */
  readonly redis?: string | RedisCacheOptions;
  /** false: no values in this process's memory. */
  readonly memory?: MemoryCacheOptions | false;
  /** The policy of statements that have none of their own. */
  readonly defaults?: CachePolicy;
  /** Statements that are cached although their calls do not ask for it. */
  readonly rules?: readonly CacheRule[];
  /** A value of more bytes is not cached. Default: 1 MiB. */
  readonly maxEntryBytes?: number;
  /**
   * How long another process may serve an older value after a write was acknowledged, in milliseconds; in the writing process it is 0. Each
   * process asks Redis four times in this time. Default: 500.
   */
  readonly invalidationBound?: number;
  /** Name of the cache in metrics. Default: 'default'. */
  readonly name?: string;
  /** What all names in Redis begin with. Caches of one prefix share their values. Default: 'poolwright'. */
  readonly prefix?: string;
  /** A version of your own for what is cached: another one does not see the values of this one. Default: ''. */
  readonly epoch?: string;
  /**
   * What happens to a statement whose tables the cache cannot know, such as one that calls a stored function. 'refuse': it is not cached.
   * 'everything': it is, and any write makes it invalid. Default: 'refuse'.
   */
  readonly notUnderstood?: 'refuse' | 'everything';
  /** Makes the values in Redis unreadable for others. Keys are hashes in any case. */
  readonly encryption?: Encryption;
}

/** The options of a cache in force. */
export interface ResolvedCacheOptions {
  readonly redis: { readonly target: RedisTarget; readonly timeout: number; readonly lockTimeout: number } | undefined;
  readonly memoryBytes: number;
  readonly defaults: ResolvedPolicy;
  readonly rules: ResolvedRules | undefined;
  readonly maxEntryBytes: number;
  readonly invalidationBound: number;
  readonly lockTimeout: number;
  readonly name: string;
  readonly prefix: string;
  readonly epoch: string;
  readonly notUnderstood: 'refuse' | 'everything';
  readonly encryption: Encryption | undefined;
}

/** The options of the cache that hold a plain value: validation and documentation are made from it. */
export const cacheOptionTable = {
  name: { kind: 'text', default: 'default', about: 'Name of the cache in metrics.' },
  maxEntryBytes: {
    kind: 'number',
    min: 1,
    max: 2 ** 30,
    default: 2 ** 20,
    about: 'The cache does not store a value that is larger than this.',
  },
  invalidationBound: {
    kind: 'number',
    min: 50,
    max: 60_000,
    default: 500,
    about: 'How long another process may serve the old value after a write is acknowledged, in milliseconds.',
  },
  prefix: { kind: 'text', default: 'poolwright', about: 'Prefix of all names in Redis. Caches with the same prefix share their values.' },
  notUnderstood: {
    kind: 'choice',
    choices: ['refuse', 'everything'],
    default: 'refuse',
    about:
      "What to do with a statement if the cache cannot know everything that it reads. 'refuse': do not cache it. 'everything': cache it; any write makes it invalid.",
  },
} as const satisfies Partial<Record<keyof QueryCacheOptions, OptionSpec>>;

const redisTable = {
  timeout: { kind: 'number', min: 1, max: 60_000, default: 100, about: 'How long a command may take, in milliseconds.' },
  lockTimeout: {
    kind: 'number',
    min: 1,
    max: 600_000,
    default: 5_000,
    about: 'How long one process alone may load a value, in milliseconds.',
  },
} as const satisfies Record<string, OptionSpec>;

const DEFAULT_MEMORY_BYTES = 64 * 2 ** 20;

/** @throws PoolError `POOL_OPTION_INVALID` */
export function resolveCacheOptions(given: QueryCacheOptions): ResolvedCacheOptions {
  refuseUnknownOptions(given, [...Object.keys(cacheOptionTable), 'redis', 'memory', 'defaults', 'rules', 'epoch', 'encryption']);
  const { epoch = '', encryption } = given;
  if (typeof epoch !== 'string') throw invalid('epoch', epoch, 'a string');
  if (encryption !== undefined && (typeof encryption?.encrypt !== 'function' || typeof encryption.decrypt !== 'function')) {
    throw invalidUnquoted('encryption', encryption, 'an object with the functions encrypt and decrypt');
  }
  const plain = resolveFromTable(cacheOptionTable, given) as Pick<ResolvedCacheOptions, keyof typeof cacheOptionTable>;
  const defaults = resolveDefaults(given.defaults ?? {});
  const redis = redisOptions(given.redis);
  const memoryBytes = memoryOption(given.memory);
  if (memoryBytes === 0 && redis === undefined)
    throw new PoolError('POOL_OPTION_INVALID', 'memory: false without redis leaves no cache: use at least one of them.');
  return {
    ...plain,
    redis,
    memoryBytes,
    defaults,
    rules: resolveRules(given.rules, defaults),
    epoch,
    encryption,
    lockTimeout: redis?.lockTimeout ?? 0,
  };
}

function redisOptions(given: string | RedisCacheOptions | undefined): ResolvedCacheOptions['redis'] {
  if (given === undefined) return undefined;
  const options: RedisCacheOptions = typeof given === 'string' ? { url: given } : given;
  if (typeof options !== 'object' || options === null) throw invalidUnquoted('redis', given, 'a URL or options');
  refuseUnknownOptions(options, ['url', 'username', 'password', 'tls', 'timeout', 'lockTimeout']);
  if (typeof options.url !== 'string') throw invalidUnquoted('redis.url', options.url, 'a URL');
  const { timeout, lockTimeout } = resolveFromTable(redisTable, options) as { timeout: number; lockTimeout: number };
  return { target: unshownTarget(options), timeout, lockTimeout };
}

function memoryOption(given: MemoryCacheOptions | false | undefined): number {
  if (given === false) return 0;
  if (given === undefined) return DEFAULT_MEMORY_BYTES;
  if (typeof given !== 'object' || given === null) throw invalid('memory', given, 'options, or false');
  refuseUnknownOptions(given, ['maxBytes']);
  const { maxBytes = DEFAULT_MEMORY_BYTES } = given;
  if (!Number.isInteger(maxBytes) || maxBytes < 1) throw invalid('maxBytes', maxBytes, 'a whole number, at least 1');
  return maxBytes;
}
