/** Bounds on a pool's limit beside `connectionLimit`, each by the name of who set it. */

import { type CeilingName, invalid } from '../contract/index.js';

/** The ceilings of one pool. The least of them and of `connectionLimit` is the limit in force. */
export class Ceilings {
  readonly #counts = new Map<CeilingName, number>();

  /**
   * @param count undefined takes the ceiling off
   * @throws PoolError `POOL_OPTION_INVALID`
   */
  set(name: CeilingName, count: number | undefined): void {
    if (count === undefined) this.#counts.delete(name);
    else if (Number.isSafeInteger(count) && count >= 1) this.#counts.set(name, count);
    else throw invalid(`The ceiling '${name}'`, count, 'a whole number, at least 1');
  }

  /** The least of the ceilings and of `connectionLimit`. */
  below(connectionLimit: number): number {
    return Math.min(connectionLimit, ...this.#counts.values());
  }

  snapshot(): Readonly<Partial<Record<CeilingName, number>>> {
    return Object.freeze(Object.fromEntries(this.#counts));
  }
}
