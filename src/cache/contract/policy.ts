/** How a value is cached: how long it is fresh, how long it may be served stale, and its tags. */
import { invalid, refuseUnknownOptions } from '../../engine/index.js';

/** How a value is cached. Durations are in milliseconds and count from when the value began to be loaded. */
export interface CachePolicy {
  /** How long the value is fresh, in milliseconds, minus up to 10 % at random so that values do not end together. Default: 5000. */
  readonly ttl?: number;
  /** How much longer it is served while it is loaded again, in milliseconds. Default: 0. */
  readonly staleWhileRevalidate?: number;
  /** As `ttl`, in milliseconds, for a result without rows, and for null and undefined; 0 = not cached. Default: `ttl`. */
  readonly negativeTtl?: number;
  /**
   * No value that is older, in milliseconds, is served; this overrides the other durations. It bounds the effect of changes that the cache cannot see, such as those
   * of writers outside of the pool, and of replicas that lag. Default: none.
   */
  readonly maxStale?: number;
  /** The tags by which it can be invalidated. Default: none. */
  readonly tags?: readonly string[];
}

/** The options in force. */
export interface ResolvedPolicy {
  readonly ttl: number;
  readonly staleWhileRevalidate: number;
  readonly negativeTtl: number;
  readonly maxStale: number;
  readonly tags: readonly string[];
}

export const policyNames: readonly string[] = [
  'ttl',
  'staleWhileRevalidate',
  'negativeTtl',
  'maxStale',
  'tags',
] satisfies (keyof CachePolicy)[];

const DEFAULT_TTL_MS = 5_000;
const LONGEST_MS = 30 * 24 * 3_600_000;

/** @throws PoolError `POOL_OPTION_INVALID` */
export function resolveDefaults(given: CachePolicy): ResolvedPolicy {
  refuseUnknownOptions(given, policyNames);
  const ttl = duration('ttl', given.ttl, DEFAULT_TTL_MS);
  return {
    ttl,
    staleWhileRevalidate: duration('staleWhileRevalidate', given.staleWhileRevalidate, 0),
    negativeTtl: duration('negativeTtl', given.negativeTtl, ttl),
    maxStale: duration('maxStale', given.maxStale, Number.POSITIVE_INFINITY),
    tags: checkedNames('tags', given.tags),
  };
}

/** @throws PoolError `POOL_OPTION_INVALID` */
export function resolvePolicy(given: CachePolicy, defaults: ResolvedPolicy): ResolvedPolicy {
  const { ttl, staleWhileRevalidate, negativeTtl, maxStale, tags } = given;
  if (ttl === undefined && staleWhileRevalidate === undefined && negativeTtl === undefined && maxStale === undefined && tags === undefined)
    return defaults;
  return {
    ttl: duration('ttl', ttl, defaults.ttl),
    staleWhileRevalidate: duration('staleWhileRevalidate', staleWhileRevalidate, defaults.staleWhileRevalidate),
    negativeTtl: duration('negativeTtl', negativeTtl, ttl ?? defaults.negativeTtl),
    maxStale: duration('maxStale', maxStale, defaults.maxStale),
    tags: tags === undefined ? defaults.tags : checkedNames('tags', tags),
  };
}

/** @throws PoolError `POOL_OPTION_INVALID` */
export function checkedNames(option: string, given: unknown): readonly string[] {
  if (given === undefined) return [];
  if (!Array.isArray(given) || !given.every((name) => typeof name === 'string' && name !== ''))
    throw invalid(option, given, 'a list of names');
  return given as readonly string[];
}

function duration(name: string, given: unknown, otherwise: number): number {
  if (given === undefined) return otherwise;
  if (typeof given !== 'number' || !(given >= 0 && given <= LONGEST_MS))
    throw invalid(name, given, `a number of milliseconds from 0 to ${LONGEST_MS}`);
  return given;
}
