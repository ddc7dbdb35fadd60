/** What the parts of one cache share: its options, its two tiers, the marks of invalidations, and its counters. */
import { performance } from 'node:perf_hooks';
import { Histogram, LabelledCounts } from '../../engine/index.js';
import { pause } from '../../engine/waiting/index.js';
import { type CacheStats, type QueryCacheOptions, resolveCacheOptions, type ResolvedCacheOptions } from '../contract/index.js';
import { Marks } from '../invalidation/index.js';
import { createRedisClients, RedisTier } from '../redis/index.js';
import { MemoryTier } from './memory-tier.js';

const FIRST_POLL_MS = 2;
const EMPTY = new Histogram();

/** The tier in memory, the tier in Redis if there is one, and whether either may serve. */
export class Tiers {
  readonly options: ResolvedCacheOptions;
  readonly marks = new Marks();
  readonly memory: MemoryTier;
  readonly redis: RedisTier | undefined;
  readonly memoryTimes = new Histogram();
  readonly loadTimes = new Histogram();
  readonly counts = {
    memoryHits: 0,
    redisHits: 0,
    stale: 0,
    misses: 0,
    coalesced: 0,
    bypassed: 0,
    loads: 0,
    loadErrors: 0,
    memoryStores: 0,
    redisStores: 0,
    discarded: 0,
    refused: 0,
    invalidations: 0,
  };
  readonly notCached = new LabelledCounts();
  #closed = false;

  constructor(given: QueryCacheOptions) {
    this.options = resolveCacheOptions(given);
    const { memoryBytes, redis, prefix, invalidationBound, encryption } = this.options;
    this.memory = new MemoryTier(memoryBytes);
    if (redis === undefined) {
      this.redis = undefined;
      return;
    }
    const { client, reader } = createRedisClients(redis.target, invalidationBound);
    this.redis = new RedisTier(client, reader, this.marks, {
      prefix,
      boundMs: invalidationBound,
      timeoutMs: redis.timeout,
      lockMs: redis.lockTimeout,
      encryption,
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether the process knows of all invalidations, so that it may serve what it has. */
  isLive(now: number): boolean {
    return !this.#closed && (this.redis === undefined || this.redis.ledger.isLive(now));
  }

  /** Resolves when the cache is live or closed. Never rejects. */
  async whenLive(): Promise<void> {
    const ledger = this.redis?.ledger;
    if (ledger === undefined) return;
    while (!this.#closed) {
      const now = performance.now();
      if (ledger.isLive(now)) return;
      await pause(Math.max(ledger.liveIn(now) ?? 0, FIRST_POLL_MS));
    }
  }

  /** @param loading how many loaders run now */
  stats(loading: number): CacheStats {
    const now = performance.now();
    const { counts, memory, redis } = this;
    return Object.freeze({
      hits: { memory: counts.memoryHits, redis: counts.redisHits },
      stale: counts.stale,
      misses: counts.misses,
      coalesced: counts.coalesced,
      bypassed: counts.bypassed,
      loads: counts.loads,
      loadErrors: counts.loadErrors,
      stores: { memory: counts.memoryStores, redis: counts.redisStores },
      discarded: counts.discarded,
      refused: counts.refused,
      notCached: this.notCached.snapshot(),
      evictions: memory.evictions,
      invalidations: counts.invalidations,
      entries: memory.size,
      bytes: memory.bytes,
      loading,
      redis:
        redis === undefined
          ? undefined
          : {
              live: redis.ledger.isLive(now),
              asked: redis.asked,
              errors: { ...redis.errors },
              breaks: redis.ledger.breaks,
              backlog: redis.ledger.backlog,
            },
      latency: { memory: this.memoryTimes.summary(), redis: (redis?.times ?? EMPTY).summary(), load: this.loadTimes.summary() },
    });
  }

  close(): void {
    this.#closed = true;
    this.memory.clear();
    this.redis?.close();
  }
}
