/** Who gets what: a caller is served from memory, joins a loading, or is sent to the database past the cache. */

import { setImmediate, performance } from '../../engine/waiting/index.js';
import type { CallerLimits, ResolvedPolicy } from '../contract/index.js';
import type { ValueKind } from '../values/index.js';
import type { Flights } from './flights.js';
import type { MemoryEntry } from './memory-tier.js';
import type { CacheRequest } from './request.js';
import type { Tiers } from './tiers.js';
import { isFresh, longestLifeMs, type ValueStore } from './value-store.js';

/** One hit in this many is measured: the clock costs more than the rest of a hit. */
const MEASURED_HITS_MASK = 63;
/** This many hits in memory are answered before the event loop gets its turn. */
const HITS_IN_A_TURN = 256;

/**
 * Serves values. A hit in memory is the hot path, at about a microsecond, of which the copy is the most. So `hit` is one call away from its
 * caller, allocates nothing but the copy, makes no closure and no promise, and reads the clock only for one hit in 64.
 */
export class ValueServer {
  /** Hits since the event loop had its last turn on behalf of the cache, and the promise of the next turn. */
  #hitsInTurn = 0;
  #nextTurn: Promise<void> | undefined = undefined;

  constructor(
    private readonly tiers: Tiers,
    private readonly flights: Flights,
    private readonly store: ValueStore,
  ) {}

  /** A copy of what memory has, if it is fresh; undefined when {@link fetch} must be called. It needs no request, which would cost an object. */
  hit(key: string, policy: ResolvedPolicy, kind: ValueKind, now: number): unknown {
    if (this.#hitsInTurn >= HITS_IN_A_TURN || !this.tiers.isLive(now)) return undefined;
    const entry = this.tiers.memory.get(key);
    return entry !== undefined && this.#isFreshInMemory(entry, policy, now) ? this.#serveEntry(entry, kind, now) : undefined;
  }

  /** The value of a request. Precondition: the limits were checked. */
  fetch(request: CacheRequest, limits: CallerLimits): Promise<unknown> {
    // Callers who get an answer at once and ask again at once would starve the event loop, and with it the cache's ledger.
    if (this.#hitsInTurn < HITS_IN_A_TURN) return this.#answerRequest(request, limits);
    // All waiting callers are answered then. Were it some of them in each turn, the others would be woken in vain each time.
    return this.#afterTurn().then(() => this.#answerRequest(request, limits));
  }

  /** A copy of what the cache has for a request that its caller loads itself, or undefined. */
  async find(request: CacheRequest): Promise<unknown> {
    if (this.#hitsInTurn >= HITS_IN_A_TURN) await this.#afterTurn();
    const { memory, marks, redis, counts } = this.tiers;
    const { key, policy, kind, names, trace } = request;
    const now = performance.now();
    if (!this.tiers.isLive(now)) {
      counts.bypassed += 1;
      return undefined;
    }
    const entry = memory.get(key);
    if (entry !== undefined && this.#isFreshInMemory(entry, policy, now)) return await this.#answerFrom(entry, request, now);
    const known = marks.marksOf(names);
    const answer = await redis?.get(key, kind);
    const found = this.store.usableFor(request, answer?.found, known);
    if (found !== undefined && !found.refused && isFresh(found, request)) {
      this.store.keepFound(request, found, known);
      counts.redisHits += 1;
      if (trace !== undefined) trace.from = 'redis';
      return kind.copy(found.value);
    }
    counts.misses += 1;
    return undefined;
  }

  #answerRequest(request: CacheRequest, limits: CallerLimits): Promise<unknown> {
    const { memory, marks, counts } = this.tiers;
    const { key, policy } = request;
    const now = performance.now();
    if (!this.tiers.isLive(now)) return this.#bypassCache(request, limits, now);
    const entry = memory.get(key);
    if (entry === undefined) return this.flights.joinFlight(request, limits, now);
    if (this.#isFreshInMemory(entry, policy, now)) return this.#answerFrom(entry, request, now);
    if (now >= entry.servedUntil || !marks.isGoodSince(entry.marks, entry.sequence)) {
      memory.delete(key);
      return this.flights.joinFlight(request, limits, now);
    }
    if (entry.refused) return this.flights.loadAlone(request, limits);
    if (now - entry.loadedAt >= longestLifeMs(policy)) return this.flights.joinFlight(request, limits, now);
    counts.stale += 1;
    this.flights.refresh(request, now);
    return this.#answerFrom(entry, request, now);
  }

  #answerFrom(entry: MemoryEntry, { kind, trace }: CacheRequest, now: number): Promise<unknown> {
    if (trace !== undefined) trace.from = 'memory';
    return Promise.resolve(this.#serveEntry(entry, kind, now));
  }

  #isFreshInMemory(entry: MemoryEntry, { ttl, maxStale }: ResolvedPolicy, now: number): boolean {
    const ageMs = now - entry.loadedAt;
    return (
      now < entry.freshUntil &&
      ageMs < ttl &&
      ageMs < maxStale &&
      !entry.refused &&
      this.tiers.marks.isGoodSince(entry.marks, entry.sequence)
    );
  }

  #serveEntry(entry: MemoryEntry, kind: ValueKind, startedAt: number): unknown {
    const { counts } = this.tiers;
    entry.used = true;
    this.#hitsInTurn += 1;
    counts.memoryHits += 1;
    const value = kind.copy(entry.value);
    if ((counts.memoryHits & MEASURED_HITS_MASK) === 0) this.tiers.memoryTimes.record(performance.now() - startedAt);
    return value;
  }

  #afterTurn(): Promise<void> {
    this.#nextTurn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#hitsInTurn = 0;
        this.#nextTurn = undefined;
        resolve();
      });
    });
    return this.#nextTurn;
  }

  /** Nothing is served or stored. Callers of the same moment still share one loading, as far as the bound for stale values allows. */
  #bypassCache(request: CacheRequest, limits: CallerLimits, now: number): Promise<unknown> {
    this.tiers.counts.bypassed += 1;
    if (this.tiers.isClosed) return this.flights.loadAlone(request, limits);
    this.flights.separateFrom(request.key, now - this.tiers.options.invalidationBound);
    return this.flights.joinFlight(request, limits, now);
  }
}
