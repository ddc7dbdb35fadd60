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

  /** The least of `connectionLimit` and of the ceilings, or of those beside one. */
  below(connectionLimit: number, beside?: CeilingName): number {
    const counts = [...this.#counts].filter(([name]) => name !== beside);
    return Math.min(connectionLimit, ...counts.map(([, count]) => count));
  }

  snapshot(): Readonly<Partial<Record<CeilingName, number>>> {
    return Object.freeze(Object.fromEntries(this.#counts));
  }
}
