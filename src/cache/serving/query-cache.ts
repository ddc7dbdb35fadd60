/** The public face of the cache: what an application and a pool call, each passed on to the part that does it. */

import { customInspect } from '../../packages/index.js';
import { invalid } from '../../engine/index.js';
import type { Breaker } from '../../resilience/breaker/index.js';
import { currentDeadline, stricter, throwIfOver, withoutDeadline } from '../../resilience/deadline/index.js';
import {
  type CachePolicy,
  type CacheStats,
  type CallerLimits,
  checkLimits,
  type Invalidation,
  type QueryCacheOptions,
  type ResolvedCacheOptions,
  type ResolvedPolicy,
  resolvePolicy,
} from '../contract/index.js';
import { KEY, type Marks, namesOf, SCHEMA_DOUBT, withAnyTable } from '../invalidation/index.js';
import { anyValue, type ValueKind } from '../values/index.js';
import { tellingTracers } from './cached-values.js';
import { Flights } from './flights.js';
import type { CacheRequest, Departure } from './request.js';
import { Tiers } from './tiers.js';
import { ValueServer } from './value-server.js';
import { ValueStore } from './value-store.js';

/** What `wrap` takes beside the policy. */
export interface WrapOptions extends CachePolicy, CallerLimits {
  /** Tables whose writes through a pool with this cache make the value invalid. */
  readonly tables?: readonly string[];
}

/**
 * A cache of two tiers, in this process and in Redis, that never serves a value which was invalidated: in this process from the moment of
 * the invalidation, in others within `invalidationBound`. Where that cannot be proven, the value is loaded.
 */
export class QueryCache {
  /** @internal */
  readonly options: ResolvedCacheOptions;
  readonly #tiers: Tiers;
  readonly #store: ValueStore;
  readonly #flights: Flights;
  readonly #server: ValueServer;

  constructor(options: QueryCacheOptions) {
    this.#tiers = new Tiers(options);
    this.options = this.#tiers.options;
    this.#store = new ValueStore(this.#tiers);
    this.#flights = new Flights(this.#tiers, this.#store);
    this.#server = new ValueServer(this.#tiers, this.#flights, this.#store);
  }

  /** A log of a cache must not show the password of Redis, nor the keys of its encryption. @internal */
  [customInspect](): string {
    return `QueryCache { ${this.options.name} }`;
  }

  /** The same for JSON. @internal */
  toJSON(): object {
    return { name: this.options.name };
  }

  /** Its name in metrics. */
  get name(): string {
    return this.options.name;
  }

  /**
   * The breaker around Redis, named 'cache'; undefined without Redis. It opens after 3 failures in a row, or when half of at least 20 calls
   * within 10 s failed, and closes by itself. While it is open, or isolated manually, the cache asks Redis for no values: this process's memory
   * and the database answer. Invalidations still reach all processes.
   *
   * @example
   * ```ts
   * const letGo = cache.breaker?.isolate('Redis is being moved'); // until letGo(), or close()
   * ```
   */
  get breaker(): Breaker | undefined {
    return this.#tiers.redis?.breaker;
  }

  /**
   * The value of `key`: from the cache, or loaded by `load`, once for all callers of all processes who want it at the same time. Each caller
   * gets a copy of their own.
   *
   * @param load its signal aborts when no caller waits any more; no deadline of `withDeadline` bounds it, because several callers share it
   * @throws what `load` throws; PoolError `POOL_OPTION_INVALID`, `POOL_QUERY_TIMEOUT`, `POOL_ABORTED`
   *
   * @example
   * ```ts
   * const rates = await cache.wrap('rates', () => fetchRates(), { ttl: 60_000, tags: ['rates'] });
   * ```
   */
  async wrap<T>(key: string, load: (signal: AbortSignal) => Promise<T>, options: WrapOptions = {}): Promise<T> {
    if (typeof key !== 'string' || key === '') throw invalid('key', key, 'a string that is not empty');
    checkLimits(options);
    const policy = resolvePolicy(options, this.options.defaults);
    const dependsOn = [KEY + key, ...namesOf({ tags: policy.tags, ...(options.tables === undefined ? {} : { tables: options.tables }) })];
    const request = { key: `w${key}`, names: dependsOn, policy, kind: anyValue, load: outsideDeadlines(load) };
    return (await this.read(request, withinDeadline(options))) as T;
  }

  /**
   * Makes values invalid: in this process at once, also those that are being loaded; in others within `invalidationBound`. Resolves when the
   * invalidation is in Redis for the others. When Redis does not answer in time, it resolves too, and the invalidation is sent later.
   *
   * @throws PoolError `POOL_OPTION_INVALID`
   */
  async invalidate(what: Invalidation): Promise<void> {
    const names = namesOf(what);
    // It may be because of a change of the schema that no pool has seen.
    await this.invalidateNames(what.all === true ? [...names, SCHEMA_DOUBT] : names);
  }

  /** Resolves when the cache serves: at once without Redis; else when it receives all invalidations. Never rejects; see `stats().redis`. */
  async ready(): Promise<void> {
    await this.#tiers.whenLive();
  }

  /** Everything that the cache knows about itself now. */
  stats(): CacheStats {
    return this.#tiers.stats(this.#flights.size);
  }

  /** Ends the connections to Redis and forgets everything. Values are loaded after that, as without a cache. */
  close(): void {
    this.#tiers.close();
  }

  /** @internal The same as `invalidate`, by the names that marks have; undefined when no other process has to know. */
  invalidateNames(given: readonly string[]): Promise<void> | undefined {
    if (given.length === 0) return undefined;
    const { counts, marks, redis } = this.#tiers;
    counts.invalidations += 1;
    const names = withAnyTable(given);
    if (redis !== undefined) return redis.ledger.invalidate(names);
    marks.noteOwnInvalidation(names);
    return undefined;
  }

  /** @internal A statement was to be cached, and must not be. */
  noteNotCached(why: string): void {
    this.#tiers.notCached.add(why);
  }

  /** @internal When names were invalidated. */
  get marks(): Marks {
    return this.#tiers.marks;
  }

  /**
   * @internal A copy of what memory has for a caller who needs nothing else; undefined when {@link fetch} must be called. This is the hot
   * path: see {@link ValueServer}.
   */
  hit(key: string, policy: ResolvedPolicy, kind: ValueKind, now: number): unknown {
    return this.#server.hit(key, policy, kind, now);
  }

  /** @internal The value of a request. Precondition: the limits were checked. */
  fetch(request: CacheRequest, limits: CallerLimits): Promise<unknown> {
    return this.#server.fetch(request, limits);
  }

  /**
   * @internal The same, for callers of which a tracer does not learn otherwise.
   *
   * @param query the text of the statement whose result it is, if it is one's
   */
  read(request: CacheRequest, limits: CallerLimits, query?: string): Promise<unknown> {
    return tellingTracers({ cache: this.name, query }, request, (traced) => this.fetch(traced, limits));
  }

  /** @internal A copy of what the cache has for a request that its caller loads itself, or undefined. */
  find(request: CacheRequest): Promise<unknown> {
    return tellingTracers({ cache: this.name }, request, (traced) => this.#server.find(traced));
  }

  /** @internal What is known now, before a caller loads a value itself and gives it to {@link storeLoaded}. */
  departure(): Departure {
    return this.#store.departure();
  }

  /** @internal Stores what a caller has loaded itself, unless it was invalidated meanwhile. Never rejects. */
  async storeLoaded(request: CacheRequest, departure: Departure, value: unknown): Promise<void> {
    await this.#store.storeLoaded(request, this.#tiers.marks.marksOf(request.names), value, departure);
  }
}

/** A loader that runs outside of its first caller's deadline: other callers wait for it too. */
function outsideDeadlines<T>(load: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  return (signal) => withoutDeadline(() => load(signal));
}

/** @throws PoolError `POOL_QUERY_TIMEOUT`, `POOL_ABORTED` when no time is left of the deadline that it is called in */
function withinDeadline(limits: CallerLimits): CallerLimits {
  const deadline = currentDeadline();
  if (deadline === undefined) return limits;
  throwIfOver(deadline, 'POOL_QUERY_TIMEOUT', 'the value was asked for');
  return stricter(limits, deadline);
}
