import type { BreakerChange, BreakerState } from '../resilience/breaker.js';
import type { ReportedBreaker } from '../telemetry/breaker-source.js';
import type { ObservedPool } from '../telemetry/pool-source.js';

/** A breaker that has changed its state. */
export interface BreakerChanged {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Null when it belongs to none. */
  readonly pool: string | null;
  readonly breaker: string;
  readonly from: BreakerState;
  readonly to: BreakerState;
  /** What opened it, in words. */
  readonly reason: string | null;
}

const MOST_CHANGES = 200;

/** The last changes of breakers: those of pools as they happen, the others by looking at them from time to time. */
export class BreakerLog {
  #changes: BreakerChanged[] = [];
  readonly #watched = new Map<ObservedPool, () => void>();
  readonly #seen = new Map<string, BreakerState>();

  /** The last one first. */
  get changes(): readonly BreakerChanged[] {
    return this.#changes;
  }

  /** Listens to the breakers of these pools, and to no others any more. */
  watch(pools: readonly ObservedPool[]): void {
    for (const [pool, stop] of this.#watched) {
      if (pools.includes(pool)) continue;
      stop();
      this.#watched.delete(pool);
    }
    for (const pool of pools) {
      if (this.#watched.has(pool)) continue;
      this.#watched.set(
        pool,
        pool.watch('breakerChanged', (change) => this.#note(pool.name, change)),
      );
    }
  }

  /** Notes what has changed since the last look at those that belong to no pool. */
  look(breakers: readonly ReportedBreaker[]): void {
    for (const { pool, name, state, reason } of breakers) {
      if (pool !== null) continue;
      const from = this.#seen.get(name) ?? state;
      this.#seen.set(name, state);
      if (from !== state) this.#note(null, { breaker: name, from, to: state, reason });
    }
  }

  stop(): void {
    this.watch([]);
  }

  #note(pool: string | null, { breaker, from, to, reason }: Omit<BreakerChange, 'nextProbeInMs'>): void {
    this.#changes = [{ at: Date.now(), pool, breaker, from, to, reason }, ...this.#changes.slice(0, MOST_CHANGES - 1)];
  }
}
