/** The loadings that are under way, one for a key: callers who want the same value share one query. */
import { pause, performance } from '../../engine/waiting/index.js';
import type { CallerLimits } from '../contract/index.js';
import type { Found, Lock } from '../redis/index.js';
import { Flight, type Landing } from './flight.js';
import type { CacheRequest } from './request.js';
import type { Tiers } from './tiers.js';
import { isFresh, type ValueStore } from './value-store.js';

const FIRST_POLL_MS = 2;
const LONGEST_POLL_MS = 25;
/** How long a process waits for another one's loading, in times that a lock lasts. */
const PATIENCE = 2;

/** Why a value is loaded: a caller waits for it, or a stale one was served and must be replaced. */
type Reason = 'wanted' | 'refresh';

export class Flights {
  readonly #byKey = new Map<string, Flight>();

  constructor(
    private readonly tiers: Tiers,
    private readonly store: ValueStore,
  ) {}

  get size(): number {
    return this.#byKey.size;
  }

  /** The value of a request that memory cannot answer. Callers join the loading of its key, or begin one. */
  async joinFlight(request: CacheRequest, limits: CallerLimits, now: number): Promise<unknown> {
    const { marks, counts } = this.tiers;
    let flight = this.#byKey.get(request.key);
    if (flight !== undefined && !flight.abandoned && marks.isGoodSince(flight.marks, flight.sequence)) {
      counts.coalesced += 1;
      if (request.trace !== undefined) request.trace.from = 'coalesced';
    } else {
      flight = this.#startFlight(request, now, 'wanted');
    }
    const { value, own } = await flight.join(limits, request.kind.noun);
    if (own) return value;
    try {
      return request.kind.copy(value);
    } catch {
      // An object of a class: no two callers may have the same one.
      return await this.loadAlone(request, limits);
    }
  }

  /** Loads a stale value again, for no caller in particular. */
  refresh(request: CacheRequest, now: number): void {
    if (!this.#byKey.has(request.key)) this.#startFlight(request, now, 'refresh').holdOpen();
  }

  /** The next caller does not join a loading of this key that began before `time`. */
  separateFrom(key: string, time: number): void {
    const flight = this.#byKey.get(key);
    if (flight !== undefined && flight.startedAt <= time) this.#byKey.delete(key);
  }

  /** Loads a value for one caller, past the cache. */
  async loadAlone(request: CacheRequest, limits: CallerLimits): Promise<unknown> {
    const flight = new Flight([], 0, 0);
    flight.start(async () => ({ value: await this.#runLoader(request, flight.signal), shared: false }));
    return (await flight.join(limits, request.kind.noun)).value;
  }

  #startFlight(request: CacheRequest, now: number, reason: Reason): Flight {
    const { key, names } = request;
    const { marks } = this.tiers;
    const flight = new Flight(marks.marksOf(names), marks.sequence, now);
    this.#byKey.set(key, flight);
    flight.start(async () => {
      try {
        return await this.#findOrLoad(request, flight, reason);
      } finally {
        // After an invalidation, another flight may have its place.
        if (this.#byKey.get(key) === flight) this.#byKey.delete(key);
      }
    });
    return flight;
  }

  async #findOrLoad(request: CacheRequest, flight: Flight, reason: Reason): Promise<Landing> {
    const { redis } = this.tiers;
    if (redis === undefined || !this.tiers.isLive(performance.now())) return await this.#loadAndStore(request, flight);
    if (reason === 'wanted') {
      const answer = await redis.get(request.key, request.kind);
      if (answer === undefined) return await this.#loadAndStore(request, flight);
      const found = this.store.usableFor(request, answer.found, flight.marks);
      if (found !== undefined) return this.#landFound(request, found, flight);
    }
    // When the process that loads the value dies, one of the waiting processes takes over, and the others wait for that one.
    const patienceEndsAt = performance.now() + PATIENCE * this.tiers.options.lockTimeout;
    for (
      let pollMs = FIRST_POLL_MS;
      this.tiers.isLive(performance.now()) && !flight.abandoned;
      pollMs = Math.min(pollMs * 1.5, LONGEST_POLL_MS)
    ) {
      const answer = await redis.lockOrGet(request.key, request.kind);
      if (answer === undefined) break;
      const found = this.store.usableFor(request, answer.found, flight.marks);
      if (found !== undefined && isFresh(found, request)) {
        void answer.lock?.release();
        return this.#landFound(request, found, flight);
      }
      if (answer.lock !== undefined) return await this.#loadAndStore(request, flight, answer.lock);
      // Another process loads it. Until then this caller is served the stale value.
      if (found !== undefined && reason === 'wanted') return this.#landFound(request, found, flight);
      if (performance.now() >= patienceEndsAt) break;
      await pause(pollMs);
    }
    return await this.#loadAndStore(request, flight);
  }

  #landFound(request: CacheRequest, found: Found, flight: Flight): Landing | Promise<Landing> {
    const { counts } = this.tiers;
    const kept = this.store.keepFound(request, found, flight.marks);
    if (found.refused) return this.#runLoader(request, flight.signal).then((value) => ({ value, shared: false }));
    counts.redisHits += 1;
    if (request.trace !== undefined) request.trace.from = 'redis';
    if (!isFresh(found, request)) {
      counts.stale += 1;
      this.#byKey.delete(request.key);
      this.refresh(request, performance.now());
    }
    return { value: found.value, shared: kept };
  }

  async #loadAndStore(request: CacheRequest, flight: Flight, lock?: Lock): Promise<Landing> {
    const departure = this.store.departure();
    this.tiers.counts.misses += 1;
    let stored: Promise<void> = Promise.resolve();
    try {
      const value = await this.#runLoader(request, flight.signal);
      stored = this.store.storeLoaded(request, flight.marks, value, departure);
      return { value, shared: false };
    } finally {
      // Not before the value is there: the next owner of the lock would load it again.
      if (lock !== undefined) void stored.then(() => lock.release());
    }
  }

  async #runLoader({ load }: CacheRequest, signal: AbortSignal): Promise<unknown> {
    const { counts, loadTimes } = this.tiers;
    const startedAt = performance.now();
    counts.loads += 1;
    try {
      return await load(signal);
    } catch (error) {
      counts.loadErrors += 1;
      throw error;
    } finally {
      loadTimes.record(performance.now() - startedAt);
    }
  }
}
