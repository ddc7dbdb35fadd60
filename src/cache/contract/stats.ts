/** The statistics of a cache, field by field. */
import type { DurationSummary } from '../../engine/index.js';

/** Everything that a cache knows about itself, as a frozen value. Counters only grow. */
export interface CacheStats {
  /** Values that were served from this process's memory, and from Redis. */
  readonly hits: { readonly memory: number; readonly redis: number };
  /** Of the hits, those that were served beyond their `ttl` while they are loaded again. */
  readonly stale: number;
  /** Callers for whom the value had to be loaded. */
  readonly misses: number;
  /** Callers who shared the loading of another caller of this process. */
  readonly coalesced: number;
  /** Callers who were sent to the database because the cache could not prove that its values are still good. */
  readonly bypassed: number;
  /** Loaders that were run, and those that failed. */
  readonly loads: number;
  readonly loadErrors: number;
  /** Values that were put into each tier. */
  readonly stores: { readonly memory: number; readonly redis: number };
  /** Values that were not stored because they were invalidated while they were loaded. */
  readonly discarded: number;
  /** Values that were not stored because they are too large or of a class. */
  readonly refused: number;
  /**
   * Statements that asked to be cached, or that a rule names, and were run as any other; by the reason. Of the reasons 50 are counted each, the rest
   * as `other`.
   */
  readonly notCached: Readonly<Record<string, number>>;
  /** Values that were dropped from memory to make room. */
  readonly evictions: number;
  /** Calls of `invalidate` in this process, among them those that writes have brought about. */
  readonly invalidations: number;
  /** What is in this process's memory now. */
  readonly entries: number;
  readonly bytes: number;
  /** Loaders that run now. */
  readonly loading: number;
  /** Redis; undefined when there is none. */
  readonly redis: RedisStats | undefined;
  /** How long the tiers took to answer. Of the memory's, one in 64 is measured. */
  readonly latency: { readonly memory: DurationSummary; readonly redis: DurationSummary; readonly load: DurationSummary };
}

/** The state of the tier in Redis. */
export interface RedisStats {
  /** Whether the process can prove now that it knows all invalidations. While it cannot, it serves nothing from the cache. */
  readonly live: boolean;
  /** Whether the breaker lets values be asked for. */
  readonly asked: boolean;
  /** `full`: commands that Redis refused because its `maxmemory` is reached. The cache keeps asking it. */
  readonly errors: { readonly timeout: number; readonly garbage: number; readonly full: number; readonly other: number };
  /** How often the proof was missing, the first time included. */
  readonly breaks: number;
  /** Invalidations that are not published to other processes yet. */
  readonly backlog: number;
}
