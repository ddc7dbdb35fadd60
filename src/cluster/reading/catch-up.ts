/** A replica that came later than the others, was away or was set back: what it must have before it is trusted again. */

import type { GtidSet } from '../position/index.js';

/** One look at the writer. */
export interface WriterLook {
  readonly serverId: string;
  readonly executed: GtidSet;
  /** When it was asked, by the cluster's clock. */
  readonly askedAt: number;
}

/** Over, until it is required. Then it is over when the replica has what the writer had at a look that began later. */
export class CatchUp {
  #since: number | undefined = undefined;
  #goal: WriterLook | undefined = undefined;

  get isOver(): boolean {
    return this.#since === undefined;
  }

  /** @param at what the writer had before then does not count */
  require(at: number): void {
    this.#since = at;
    this.#goal = undefined;
  }

  /** @param executed what the replica had, when it was looked at last */
  looked(executed: GtidSet | undefined, writer: WriterLook | undefined): void {
    if (this.#since === undefined || writer === undefined || writer.askedAt < this.#since) return;
    // What a writer had that was lost with it, no replica will have.
    if (this.#goal?.serverId !== writer.serverId) this.#goal = writer;
    if (executed?.covers(this.#goal.executed) === true) this.#since = undefined;
  }
}
