/** The way of a value into the cache: a loaded one into both tiers, and one that Redis has into this process's memory. */
import { performance } from '../../engine/waiting/index.js';
import type { ResolvedPolicy } from '../contract/index.js';
import type { Mark } from '../invalidation/index.js';
import { bytesOf, type Found } from '../redis/index.js';
import { type ValueKind } from '../values/index.js';
import type { CacheRequest, Departure } from './request.js';
import type { Tiers } from './tiers.js';

/** A ttl is shortened by up to this part, at random, so that values that were loaded together do not expire together. */
const LONGEST_JITTER = 0.1;

/** A value as it is stored. */
interface PackedValue {
  readonly content: Buffer;
  readonly copy: unknown;
  /** The value must not be cached. Both tiers remember that, so that callers do not wait for each other's loading. */
  readonly refused: boolean;
}

/** Stores values, unless they were invalidated while they were loaded or fetched. */
export class ValueStore {
  constructor(private readonly tiers: Tiers) {}

  /** What is known now, before a value is loaded. {@link storeLoaded} compares it with what is known then. */
  departure(): Departure {
    const ledger = this.tiers.redis?.ledger;
    return {
      startedAt: performance.now(),
      sequence: this.tiers.marks.sequence,
      place: { ledger: ledger?.id ?? '', position: ledger?.position ?? 0 },
    };
  }

  /** Puts a value that was just loaded into both tiers, unless it was invalidated meanwhile. Never rejects. */
  async storeLoaded(request: CacheRequest, marks: readonly Mark[], value: unknown, departure: Departure): Promise<void> {
    const { marks: known, memory, redis, counts } = this.tiers;
    const { key, names, policy, kind } = request;
    const { startedAt, sequence, place } = departure;
    const ttl = Math.min(kind.isNegative(value) ? policy.negativeTtl : policy.ttl, policy.maxStale);
    const now = performance.now();
    if (ttl === 0 || !this.tiers.isLive(now)) return;
    if (!known.isGoodSince(marks, sequence)) {
      counts.discarded += 1;
      return;
    }
    const { content, copy, refused } = this.#packValue(names, value, kind);
    const freshMs = ttl * (1 - Math.random() * LONGEST_JITTER);
    const lifeMs = Math.min(freshMs + policy.staleWhileRevalidate, policy.maxStale);
    const entry = {
      value: copy,
      refused,
      bytes: content.length,
      loadedAt: startedAt,
      freshUntil: startedAt + freshMs,
      servedUntil: startedAt + lifeMs,
      sequence,
      marks,
      used: false,
    };
    if (now < entry.servedUntil && memory.set(key, entry) && !refused) counts.memoryStores += 1;
    if (redis === undefined || place.ledger === '') return;
    const stored = await redis.set(key, place.ledger, { position: place.position, lifeMs, freshMs }, content, now - startedAt);
    if (stored && !refused) counts.redisStores += 1;
  }

  /** Keeps in memory what Redis has. Returns whether there was room. */
  keepFound(request: CacheRequest, found: Found, marks: readonly Mark[]): boolean {
    const { marks: known, memory } = this.tiers;
    const loadedAt = performance.now() - found.ageMs;
    return memory.set(request.key, {
      value: found.value,
      refused: found.refused,
      bytes: found.bytes,
      loadedAt,
      freshUntil: loadedAt + found.freshMs,
      servedUntil: loadedAt + found.lifeMs,
      sequence: known.sequence,
      marks: [...marks, ...known.marksOf(found.names)],
      used: false,
    });
  }

  /** What Redis has, if this request may be served it, fresh or stale. */
  usableFor({ policy }: CacheRequest, found: Found | undefined, marks: readonly Mark[]): Found | undefined {
    if (found === undefined || !this.tiers.isLive(performance.now()) || !this.tiers.marks.isGoodAt(marks, found.position)) return undefined;
    return found.ageMs < longestLifeMs(policy) ? found : undefined;
  }

  #packValue(names: readonly string[], value: unknown, kind: ValueKind): PackedValue {
    try {
      const copy = kind.copy(value);
      const content = bytesOf([names, false, kind.pack(copy)]);
      if (content.length <= this.tiers.options.maxEntryBytes) return { content, copy, refused: false };
    } catch {
      // An object of a class, or a value that is too large even to be serialized.
    }
    this.tiers.counts.refused += 1;
    return { content: bytesOf([names, true, undefined]), copy: undefined, refused: true };
  }
}

/** How long a value may be served at most, stale time included. */
export function longestLifeMs({ ttl, staleWhileRevalidate, maxStale }: ResolvedPolicy): number {
  return Math.min(ttl + staleWhileRevalidate, maxStale);
}

/** Whether what Redis has is still fresh for this request. */
export function isFresh({ ageMs, freshMs }: Found, { policy }: CacheRequest): boolean {
  return ageMs < Math.min(freshMs, policy.ttl);
}
