/** Bounds on a pool's limit beside `connectionLimit`, each by the name of who set it. */

import { type CeilingName, invalid } from '../contract/index.js';

/** A bound that changes with time by itself: the most resources that may be open now. Asked before each opening. */
export type OpeningBound = () => number;

/** The ceilings of one pool. The least of them and of `connectionLimit` is the limit in force. */
export class Ceilings {
  readonly #counts = new Map<CeilingName, number>();
  readonly #whenOpening = new Map<CeilingName, OpeningBound>();

  /**
   * @param count undefined takes the ceiling off
   * @param whenOpening what else bounds openings; it may say less than `count`, and then closes nothing
   * @throws PoolError `POOL_OPTION_INVALID`
   */
  set(name: CeilingName, count: number | undefined, whenOpening?: OpeningBound): void {
    if (count !== undefined && !(Number.isSafeInteger(count) && count >= 1))
      throw invalid(`The ceiling '${name}'`, count, 'a whole number, at least 1');
    if (count === undefined) this.#counts.delete(name);
    else this.#counts.set(name, count);
    if (count === undefined || whenOpening === undefined) this.#whenOpening.delete(name);
    else this.#whenOpening.set(name, whenOpening);
  }

  /** The least of `connectionLimit` and of the ceilings, or of those beside one. */
  below(connectionLimit: number, beside?: CeilingName): number {
    const counts = [...this.#counts].filter(([name]) => name !== beside);
    return Math.min(connectionLimit, ...counts.map(([, count]) => count));
  }

  /** The least of `connectionLimit` and of the ceilings of others. */
  beside(name: CeilingName, connectionLimit: number): number {
    return Math.min(connectionLimit, ...[...this.#counts].filter(([other]) => other !== name).map(([, count]) => count));
  }

  /** The most that may be open after an opening now, below the limit in force. */
  forOpening(limit: number): number {
    let least = limit;
    for (const bound of this.#whenOpening.values()) least = Math.min(least, bound());
    return least;
  }

  snapshot(): Readonly<Partial<Record<CeilingName, number>>> {
    return Object.freeze(Object.fromEntries(this.#counts));
  }
}
