import { performance } from 'node:perf_hooks';
// Not the global one: where a test has put timers of its own in its place, nobody may ever call it.
import { setImmediate } from 'node:timers';
import { Histogram, invalid } from '../../engine/index.js';
import type { Breaker } from '../../resilience/breaker/index.js';
import { currentDeadline, stricter, throwIfOver, withoutDeadline } from '../../resilience/deadline/index.js';
import { anyValue, bytesOf, type ValueKind } from '../values/index.js';
import { type CallerLimits, checkLimits, Flight, type Landing } from './flight.js';
import { ANY_TABLE, EVERYTHING, KEY, type Mark, Marks, TABLE, TAG } from '../invalidation/index.js';
import { type MemoryEntry, MemoryTier } from './memory-tier.js';
import {
  type CachePolicy,
  type CacheStats,
  names,
  type QueryCacheOptions,
  resolveCacheOptions,
  type ResolvedCacheOptions,
  type ResolvedPolicy,
  resolvePolicy,
} from '../contract/index.js';
import { createRedisClients, type Found, RedisTier } from '../redis/index.js';

/** What is to be invalidated. */
export interface Invalidation {
  readonly tags?: readonly string[];
  /** Names of tables, without their database, in any case of letters. */
  readonly tables?: readonly string[];
  /** Keys that were given by name: as `key` of a statement, or to `wrap`. */
  readonly keys?: readonly string[];
  readonly all?: boolean;
}

/** What `wrap` takes beside the policy. */
export interface WrapOptions extends CachePolicy, CallerLimits {
  /** Tables whose writes through a pool with this cache make the value invalid. */
  readonly tables?: readonly string[];
}

/** A value that is wanted. @internal */
export interface CacheRequest {
  /** A text that no other value has. */
  readonly key: string;
  readonly names: readonly string[];
  readonly policy: ResolvedPolicy;
  readonly kind: ValueKind;
  readonly load: (signal: AbortSignal) => Promise<unknown>;
}

/** What is known when a loading begins. @internal */
export interface Departure {
  readonly startedAt: number;
  readonly sequence: number;
  readonly place: { readonly ledger: string; readonly position: number };
}

const LONGEST_JITTER = 0.1;
const FIRST_POLL_MS = 2;
const LONGEST_POLL_MS = 25;
/** How long others wait for whoever loads a value, in times that a lock lasts. */
const PATIENCE = 2;
/** One in so many hits is measured: the clock costs more than the rest. */
const MEASURED_HITS_MASK = 63;
/** So many hits in memory are answered before the event loop must have its turn. */
const HITS_IN_A_TURN = 256;

/**
 * A cache of two tiers, in this process and in Redis, that never serves a value which was invalidated: in this process from the moment of
 * the invalidation, in others within `invalidationBound`. Where that cannot be proven, the value is loaded.
 */
export class QueryCache {
  /** @internal */
  readonly options: ResolvedCacheOptions;
  readonly #marks = new Marks();
  readonly #memory: MemoryTier;
  readonly #redis: RedisTier | undefined;
  readonly #flights = new Map<string, Flight>();
  readonly #memoryTimes = new Histogram();
  readonly #loadTimes = new Histogram();
  readonly #counts = {
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
  #closed = false;
  /** Hits since the event loop had its turn on our account, and the promise of the next one. */
  #hitsInTurn = 0;
  #nextTurn: Promise<void> | undefined = undefined;

  constructor(options: QueryCacheOptions) {
    this.options = resolveCacheOptions(options);
    const { memoryBytes, redis, prefix, invalidationBound, encryption } = this.options;
    this.#memory = new MemoryTier(memoryBytes);
    if (redis === undefined) return;
    const { client, reader } = createRedisClients(redis.target, invalidationBound);
    this.#redis = new RedisTier(client, reader, this.#marks, {
      prefix,
      boundMs: invalidationBound,
      timeoutMs: redis.timeout,
      lockMs: redis.lockTimeout,
      encryption,
    });
  }

  /** Its name in metrics. */
  get name(): string {
    return this.options.name;
  }

  /**
   * The breaker around Redis, named 'cache'; undefined without Redis. It opens after 3 failures in a row, or when half of at least 20 calls
   * within 10 s failed, and comes back by itself. While it is open, or isolated by hand, Redis is not asked for values: this process's memory
   * and the database answer. Invalidations are told and heard of all the same.
   *
   * @example
   * ```ts
   * const letGo = cache.breaker?.isolate('Redis is being moved'); // until letGo(), or close()
   * ```
   */
  get breaker(): Breaker | undefined {
    return this.#redis?.breaker;
  }

  /**
   * The value of `key`: from the cache, or loaded by `load`, once for all callers of all processes who want it at the same time. Each caller
   * gets a copy of their own.
   *
   * @param load is told by its signal when nobody waits any more; no deadline of `withDeadline` bounds it, only those who wait for it
   * @throws what `load` throws; PoolError `POOL_OPTION_INVALID`, `POOL_QUERY_TIMEOUT`, `POOL_ABORTED`
   *
   * @example
   * ```ts
   * const rates = await cache.wrap('rates', () => fetchRates(), { ttl: 60_000, tags: ['rates'] });
   * ```
   */
  async wrap<T>(key: string, load: (signal: AbortSignal) => Promise<T>, options: WrapOptions = {}): Promise<T> {
    if (typeof key !== 'string' || key === '') throw invalid('key', key, 'a text that is not empty');
    checkLimits(options);
    const policy = resolvePolicy(options, this.options.defaults);
    const dependsOn = [KEY + key, ...namesOf({ tags: policy.tags, ...(options.tables === undefined ? {} : { tables: options.tables }) })];
    const request = { key: `w${key}`, names: dependsOn, policy, kind: anyValue, load: forEverybody(load) };
    return (await this.fetch(request, inTime(options))) as T;
  }

  /**
   * Makes values invalid: in this process at once, also those that are being loaded; in others within `invalidationBound`. Resolves when the
   * others were told, or when Redis does not answer in time: then they are told later. Never rejects for that.
   *
   * @throws PoolError `POOL_OPTION_INVALID`
   */
  async invalidate(what: Invalidation): Promise<void> {
    await this.invalidateNames(namesOf(what));
  }

  /** Resolves when the cache serves: at once without Redis; else when all that happens is heard of. Never rejects; see `stats().redis`. */
  async ready(): Promise<void> {
    const ledger = this.#redis?.ledger;
    if (ledger === undefined) return;
    while (!this.#closed) {
      const now = performance.now();
      if (ledger.isLive(now)) return;
      await pause(Math.max(ledger.liveIn(now) ?? 0, FIRST_POLL_MS));
    }
  }

  /** Everything that the cache knows about itself now. */
  stats(): CacheStats {
    const now = performance.now();
    const counts = this.#counts;
    const redis = this.#redis;
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
      evictions: this.#memory.evictions,
      invalidations: counts.invalidations,
      entries: this.#memory.size,
      bytes: this.#memory.bytes,
      loading: this.#flights.size,
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
      latency: { memory: this.#memoryTimes.summary(), redis: (redis?.times ?? EMPTY).summary(), load: this.#loadTimes.summary() },
    });
  }

  /** Ends the connections to Redis and forgets everything. Values are loaded after that, as without a cache. */
  close(): void {
    this.#closed = true;
    this.#memory.clear();
    this.#redis?.close();
  }

  /** @internal The same as `invalidate`, by the names that marks have; undefined when there is nobody to tell. */
  invalidateNames(given: readonly string[]): Promise<void> | undefined {
    if (given.length === 0) return undefined;
    this.#counts.invalidations += 1;
    const all = given.some((name) => name.startsWith(TABLE)) ? [...given, ANY_TABLE] : given;
    if (this.#redis !== undefined) return this.#redis.ledger.invalidate(all);
    this.#marks.noteOwn(all);
    return undefined;
  }

  /** @internal Tells whether one of these names was invalidated since it was asked the last time. */
  watch(names: readonly string[]): () => boolean {
    const marks = this.#marks.of(names);
    let { sequence } = this.#marks;
    return () => {
      const good = this.#marks.isGood(marks, sequence);
      sequence = this.#marks.sequence;
      return !good;
    };
  }

  /**
   * @internal What there is in memory for a caller who needs nothing else, a copy; undefined when {@link fetch} is to be asked. Nothing of a
   * request has to be made for it.
   */
  hit(key: string, policy: ResolvedPolicy, kind: ValueKind, now: number): unknown {
    if (this.#hitsInTurn >= HITS_IN_A_TURN || !this.#isLive(now)) return undefined;
    const entry = this.#memory.get(key);
    return entry !== undefined && this.#isFreshInMemory(entry, policy, now) ? this.#serve(entry, kind, now) : undefined;
  }

  /** @internal The value of a request. Precondition: the limits were checked. */
  fetch(request: CacheRequest, limits: CallerLimits): Promise<unknown> {
    // Callers who are answered at once and ask again at once would keep Node from everything else, and the cache from its ledger.
    if (this.#hitsInTurn < HITS_IN_A_TURN) return this.#answer(request, limits);
    // All who have waited are answered then: were it a few of them in each turn, all others would be woken in vain each time.
    return this.#afterTurn().then(() => this.#answer(request, limits));
  }

  #answer(request: CacheRequest, limits: CallerLimits): Promise<unknown> {
    const now = performance.now();
    if (!this.#isLive(now)) return this.#bypass(request, limits, now);
    const { key, policy, kind } = request;
    const entry = this.#memory.get(key);
    if (entry === undefined) return this.#fly(request, limits, now);
    if (this.#isFreshInMemory(entry, policy, now)) return Promise.resolve(this.#serve(entry, kind, now));
    if (now >= entry.servedUntil || !this.#marks.isGood(entry.marks, entry.sequence)) {
      this.#memory.delete(key);
      return this.#fly(request, limits, now);
    }
    if (entry.refused) return this.#loadAlone(request, limits);
    const longestMs = Math.min(policy.ttl + policy.staleWhileRevalidate, policy.maxStale);
    if (now - entry.loadedAt >= longestMs) return this.#fly(request, limits, now);
    this.#counts.stale += 1;
    this.#refresh(request, now);
    return Promise.resolve(this.#serve(entry, kind, now));
  }

  /** @internal What the cache has for a request that somebody else will load, a copy, or undefined. */
  async find(request: CacheRequest): Promise<unknown> {
    if (this.#hitsInTurn >= HITS_IN_A_TURN) await this.#afterTurn();
    const now = performance.now();
    if (!this.#isLive(now)) {
      this.#counts.bypassed += 1;
      return undefined;
    }
    const entry = this.#memory.get(request.key);
    if (entry !== undefined && this.#isFreshInMemory(entry, request.policy, now)) return this.#serve(entry, request.kind, now);
    const flight = new Flight(this.#marks.of(request.names), this.#marks.sequence, now);
    const found =
      this.#redis === undefined ? undefined : this.#usable((await this.#redis.get(request.key, request.kind))?.found, request, flight);
    if (found !== undefined && !found.refused && this.#isFresh(found, request)) {
      const { value } = await this.#land(request, found, flight);
      return request.kind.copy(value);
    }
    this.#counts.misses += 1;
    return undefined;
  }

  /** @internal What is known now, before a value is loaded that {@link arrive} brings. */
  departure(): Departure {
    const ledger = this.#redis?.ledger;
    return {
      startedAt: performance.now(),
      sequence: this.#marks.sequence,
      place: { ledger: ledger?.id ?? '', position: ledger?.position ?? 0 },
    };
  }

  /** @internal Stores what somebody else has loaded, unless it was invalidated meanwhile. */
  async arrive(request: CacheRequest, departure: Departure, value: unknown): Promise<void> {
    await this.#store(request, this.#marks.of(request.names), value, departure);
  }

  #isLive(now: number): boolean {
    return !this.#closed && (this.#redis === undefined || this.#redis.ledger.isLive(now));
  }

  #isFreshInMemory(entry: MemoryEntry, { ttl, maxStale }: ResolvedPolicy, now: number): boolean {
    const ageMs = now - entry.loadedAt;
    return now < entry.freshUntil && ageMs < ttl && ageMs < maxStale && !entry.refused && this.#marks.isGood(entry.marks, entry.sequence);
  }

  #serve(entry: MemoryEntry, kind: ValueKind, startedAt: number): unknown {
    entry.used = true;
    this.#hitsInTurn += 1;
    this.#counts.memoryHits += 1;
    const value = kind.copy(entry.value);
    if ((this.#counts.memoryHits & MEASURED_HITS_MASK) === 0) this.#memoryTimes.record(performance.now() - startedAt);
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

  /** Nothing is served or stored; callers of the same moment still share one loading, as far as the bound for stale values allows. */
  #bypass(request: CacheRequest, limits: CallerLimits, now: number): Promise<unknown> {
    this.#counts.bypassed += 1;
    if (this.#closed) return this.#loadAlone(request, limits);
    const flight = this.#flights.get(request.key);
    if (flight !== undefined && now - flight.startedAt >= this.options.invalidationBound) this.#flights.delete(request.key);
    return this.#fly(request, limits, now);
  }

  async #fly(request: CacheRequest, limits: CallerLimits, now: number): Promise<unknown> {
    let flight = this.#flights.get(request.key);
    if (flight !== undefined && !flight.abandoned && this.#marks.isGood(flight.marks, flight.sequence)) {
      this.#counts.coalesced += 1;
    } else {
      flight = this.#depart(request, now, 'wanted');
    }
    const { value, own } = await flight.join(limits);
    if (own) return value;
    try {
      return request.kind.copy(value);
    } catch {
      // Of a class: nobody else may have the same object.
      return await this.#loadAlone(request, limits);
    }
  }

  #refresh(request: CacheRequest, now: number): void {
    if (!this.#flights.has(request.key)) this.#depart(request, now, 'refresh').hold();
  }

  #depart(request: CacheRequest, now: number, why: 'wanted' | 'refresh'): Flight {
    const { key } = request;
    const flight = new Flight(this.#marks.of(request.names), this.#marks.sequence, now);
    this.#flights.set(key, flight);
    flight.start(async () => {
      try {
        return await this.#obtain(request, flight, why);
      } finally {
        // Another one may have taken its place after an invalidation.
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
      }
    });
    return flight;
  }

  async #obtain(request: CacheRequest, flight: Flight, why: 'wanted' | 'refresh'): Promise<Landing> {
    const redis = this.#redis;
    if (redis === undefined || !this.#isLive(performance.now())) return await this.#load(request, flight);
    if (why === 'wanted') {
      const answer = await redis.get(request.key, request.kind);
      if (answer === undefined) return await this.#load(request, flight);
      const found = this.#usable(answer.found, request, flight);
      if (found !== undefined) return this.#land(request, found, flight);
    }
    // Should whoever loads it die, one of those who wait takes over, and the others wait for that one.
    const patienceEndsAt = performance.now() + PATIENCE * this.options.lockTimeout;
    for (
      let pollMs = FIRST_POLL_MS;
      this.#isLive(performance.now()) && !flight.abandoned;
      pollMs = Math.min(pollMs * 1.5, LONGEST_POLL_MS)
    ) {
      const answer = await redis.lockOrGet(request.key, request.kind);
      if (answer === undefined) break;
      const found = this.#usable(answer.found, request, flight);
      if (found !== undefined && this.#isFresh(found, request)) {
        void answer.lock?.release();
        return this.#land(request, found, flight);
      }
      if (answer.lock !== undefined) return await this.#load(request, flight, answer.lock);
      // Somebody else loads it: this one is served what is there.
      if (found !== undefined && why === 'wanted') return this.#land(request, found, flight);
      if (performance.now() >= patienceEndsAt) break;
      await pause(pollMs);
    }
    return await this.#load(request, flight);
  }

  /** What was found in Redis, if this request may have it. */
  #usable(found: Found | undefined, { policy }: CacheRequest, flight: Flight): Found | undefined {
    if (found === undefined || !this.#isLive(performance.now()) || !this.#marks.isGoodAt(flight.marks, found.position)) return undefined;
    return found.ageMs < Math.min(policy.ttl + policy.staleWhileRevalidate, policy.maxStale) ? found : undefined;
  }

  #isFresh({ ageMs, freshMs }: Found, { policy }: CacheRequest): boolean {
    return ageMs < Math.min(freshMs, policy.ttl);
  }

  /** Takes what was found in Redis into memory. */
  #land(request: CacheRequest, found: Found, flight: Flight): Landing | Promise<Landing> {
    const loadedAt = performance.now() - found.ageMs;
    const entry: MemoryEntry = {
      value: found.value,
      refused: found.refused,
      bytes: found.bytes,
      loadedAt,
      freshUntil: loadedAt + found.freshMs,
      servedUntil: loadedAt + found.lifeMs,
      sequence: this.#marks.sequence,
      marks: [...flight.marks, ...this.#marks.of(found.names)],
      used: false,
    };
    const kept = this.#memory.set(request.key, entry);
    if (found.refused) return this.#run(request, flight.signal).then((value) => ({ value, shared: false }));
    this.#counts.redisHits += 1;
    if (!this.#isFresh(found, request)) {
      this.#counts.stale += 1;
      this.#flights.delete(request.key);
      this.#refresh(request, performance.now());
    }
    return { value: found.value, shared: kept };
  }

  async #load(request: CacheRequest, flight: Flight, lock?: { release(): Promise<void> }): Promise<Landing> {
    const departure = this.departure();
    this.#counts.misses += 1;
    let stored: Promise<void> = Promise.resolve();
    try {
      const value = await this.#run(request, flight.signal);
      stored = this.#store(request, flight.marks, value, departure);
      return { value, shared: false };
    } finally {
      if (lock !== undefined) void stored.then(() => lock.release());
    }
  }

  async #loadAlone(request: CacheRequest, { signal, timeout = 0 }: CallerLimits): Promise<unknown> {
    const flight = new Flight([], 0, 0);
    flight.start(async () => ({ value: await this.#run(request, flight.signal), shared: false }));
    return (await flight.join({ signal, timeout })).value;
  }

  async #run({ load }: CacheRequest, signal: AbortSignal): Promise<unknown> {
    const startedAt = performance.now();
    this.#counts.loads += 1;
    try {
      return await load(signal);
    } catch (error) {
      this.#counts.loadErrors += 1;
      throw error;
    } finally {
      this.#loadTimes.record(performance.now() - startedAt);
    }
  }

  /** Puts a value that was just loaded into both tiers, unless it was invalidated meanwhile. Never rejects. */
  async #store(
    { key, names: dependsOn, policy, kind }: CacheRequest,
    marks: readonly Mark[],
    value: unknown,
    { startedAt, sequence, place }: Departure,
  ): Promise<void> {
    const ttl = Math.min(kind.isNegative(value) ? policy.negativeTtl : policy.ttl, policy.maxStale);
    const now = performance.now();
    if (ttl === 0 || !this.#isLive(now)) return;
    if (!this.#marks.isGood(marks, sequence)) {
      this.#counts.discarded += 1;
      return;
    }
    const { content, copy, refused } = this.#pack(dependsOn, value, kind);
    const freshMs = ttl * (1 - Math.random() * LONGEST_JITTER);
    const lifeMs = Math.min(freshMs + policy.staleWhileRevalidate, policy.maxStale);
    const entry: MemoryEntry = {
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
    if (now < entry.servedUntil && this.#memory.set(key, entry) && !refused) this.#counts.memoryStores += 1;
    if (this.#redis === undefined || place.ledger === '') return;
    const stored = await this.#redis.set(key, place.ledger, { position: place.position, lifeMs, freshMs }, content, now - startedAt);
    if (stored && !refused) this.#counts.redisStores += 1;
  }

  #pack(
    dependsOn: readonly string[],
    value: unknown,
    kind: ValueKind,
  ): { readonly content: Buffer; readonly copy: unknown; readonly refused: boolean } {
    try {
      const copy = kind.copy(value);
      const content = bytesOf([dependsOn, false, kind.pack(copy)]);
      if (content.length <= this.options.maxEntryBytes) return { content, copy, refused: false };
    } catch {
      // Of a class, or too large even to be written down.
    }
    this.#counts.refused += 1;
    return { content: bytesOf([dependsOn, true, undefined]), copy: undefined, refused: true };
  }
}

const EMPTY = new Histogram();

/** @throws PoolError `POOL_OPTION_INVALID` */
export function namesOf({ tags, tables, keys, all }: Invalidation): string[] {
  if (all !== undefined && typeof all !== 'boolean') throw invalid('all', all, 'true or false');
  return [
    ...names('tags', tags).map((tag) => TAG + tag),
    ...names('tables', tables).map((table) => TABLE + table.toLowerCase()),
    ...names('keys', keys).map((key) => KEY + key),
    ...(all === true ? [EVERYTHING] : []),
  ];
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** A loader that runs outside of its first caller's deadline: others wait for it, too. */
function forEverybody<T>(load: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  return (signal) => withoutDeadline(() => load(signal));
}

/** @throws PoolError `POOL_QUERY_TIMEOUT`, `POOL_ABORTED` when nothing is left of the deadline that it is called in */
function inTime(limits: CallerLimits): CallerLimits {
  const deadline = currentDeadline();
  if (deadline === undefined) return limits;
  throwIfOver(deadline, 'POOL_QUERY_TIMEOUT', 'the value was asked for');
  return stricter(limits, deadline);
}
