import type { CeilingName, PoolSummary } from '../../src/engine/contract/summary.js';
import type { Pool } from '../../src/engine/pool.js';

/** What may be open now: the limit in force, or while a lowered one is worked off, what was open then. */
export class LimitWatch {
  /** The most entries, opening ones with them. */
  most: number;
  readonly #ceilings = new Map<CeilingName, number>();
  #changes = 0;

  constructor(private readonly pool: Pool<never>) {
    this.most = pool.options.connectionLimit;
  }

  resize(connectionLimit: number, minIdle: number): void {
    this.#change(connectionLimit, () => this.pool.resize({ connectionLimit, minIdle }));
  }

  setCeiling(name: CeilingName, count: number | undefined): void {
    if (count === undefined) this.#ceilings.delete(name);
    else this.#ceilings.set(name, count);
    this.#change(this.pool.options.connectionLimit, () => this.pool.setCeiling(name, count));
  }

  /** What was closed above the limit stays closed. */
  check({ total, opening, limit }: PoolSummary, violation: (what: string) => void): void {
    const entries = total + opening;
    if (entries > this.most) violation(`I4: ${entries} entries, at most ${this.most} are allowed`);
    this.most = Math.max(limit, Math.min(this.most, entries));
  }

  #change(connectionLimit: number, change: () => void): void {
    const { total, opening } = this.pool.summary();
    const limit = Math.min(connectionLimit, ...this.#ceilings.values());
    this.#changes += 1;
    const changes = this.#changes;
    change();
    // A callback that ran meanwhile may have changed it, too.
    const since = changes === this.#changes ? 0 : this.most;
    this.most = Math.max(limit, total + opening, since);
  }
}
