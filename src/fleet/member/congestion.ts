/** A bound that a member sets itself when the server refuses connections: others that it does not know use the server up. */

import type { RandomSource } from '../../engine/contract/index.js';

/** Refusals within this part of a lease are one: they were under way together. */
const ONE_REFUSAL = 1 / 20;
/** Each step of growth, in parts of the bound; at least one connection. */
const GROWTH = 1 / 8;

/** Halves at a refusal, then grows by steps. */
export class Congestion {
  #bound = Number.POSITIVE_INFINITY;
  #refusedAt = Number.NEGATIVE_INFINITY;
  #growsAt = 0;

  constructor(
    private readonly leaseMs: number,
    private readonly random: RandomSource,
  ) {}

  /** The most connections that this member opens now; `Infinity` while the server refuses none. */
  get bound(): number {
    return this.#bound;
  }

  /**
   * The server has refused a connection because it has too many.
   *
   * @param open how many this member has
   * @returns whether the bound was lowered
   */
  refused(open: number, floor: number, now: number): boolean {
    this.#growsAt = now + this.#pauseMs();
    if (now - this.#refusedAt < this.leaseMs * ONE_REFUSAL) return false;
    this.#refusedAt = now;
    const before = this.#bound;
    this.#bound = Math.max(floor, Math.floor(Math.min(before, open) / 2));
    return this.#bound < before;
  }

  /**
   * Time has passed: the bound may grow.
   *
   * @param lease where it ends
   * @returns whether it has changed
   */
  relax(lease: number, now: number): boolean {
    if (this.#bound === Number.POSITIVE_INFINITY || now < this.#growsAt) return false;
    this.#bound += Math.max(1, Math.floor(this.#bound * GROWTH));
    this.#growsAt = now + this.#pauseMs();
    if (this.#bound >= lease) this.#bound = Number.POSITIVE_INFINITY;
    return true;
  }

  /** About a third of a lease: members that were refused together do not come again together. */
  #pauseMs(): number {
    return (this.leaseMs / 3) * (0.5 + this.random());
  }
}
