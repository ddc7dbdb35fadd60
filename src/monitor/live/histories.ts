/** The past of all pools, by their names: a pool that is made again finds it. */

import type { ObservedPool } from '../../telemetry/index.js';
import type { HistoryStore } from '../history/index.js';
import { KEPT_MS } from '../points/index.js';
import { PoolHistory } from './pool-history.js';

/** So many pools that are gone are remembered, for as long as anything of them is of the last day. */
const MOST_GONE = 20;
const SAVE_EVERY_MS = 10_000;

/** Keeps the past of pools by name, in memory and in a store if there is one. */
export class Histories {
  readonly #byName = new Map<string, PoolHistory>();
  /** Since when a pool is gone, in milliseconds since 1970; the one that went first comes first. */
  readonly #gone = new Map<string, number>();
  #savedAt = 0;

  /** @param store where they are kept for the next process; default: nowhere */
  constructor(private readonly store?: HistoryStore) {}

  /** The past of a pool's name, which follows that pool from now on. */
  follow(pool: ObservedPool, at: number): PoolHistory {
    const { name } = pool;
    const history = this.#byName.get(name) ?? new PoolHistory(this.store?.load(name, at), this.store?.recordOf(name));
    this.#byName.set(name, history);
    this.#gone.delete(name);
    history.follow(pool, at);
    return history;
  }

  /** A pool is there no more. */
  leave(name: string, at: number): void {
    this.#byName.get(name)?.leave(at);
    this.#gone.set(name, at);
    const [oldest] = this.#gone.keys();
    if (this.#gone.size > MOST_GONE && oldest !== undefined) this.#forget(oldest);
  }

  /** A second has passed: now and then what is new is stored. */
  tick(at: number): void {
    for (const [name, since] of this.#gone) if (at - since > KEPT_MS) this.#forget(name);
    // The clock may have been set back.
    if (this.store === undefined || Math.abs(at - this.#savedAt) < SAVE_EVERY_MS) return;
    this.#savedAt = at;
    this.#save(at);
  }

  /** Forgets all, without storing it. */
  clear(): void {
    this.#byName.clear();
    this.#gone.clear();
  }

  /** Stores what is not stored yet, and forgets all. */
  end(at: number): void {
    for (const history of this.#byName.values()) history.end();
    this.#save(at);
    this.store?.close();
    this.clear();
  }

  #save(at: number): void {
    this.store?.save(new Map([...this.#byName].map(([name, { incidents }]) => [name, incidents])), at);
  }

  #forget(name: string): void {
    this.#gone.delete(name);
    this.#byName.delete(name);
  }
}
