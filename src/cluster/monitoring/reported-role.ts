/** What a server has reported of its role, and how fresh that is. */

import type { RoleWord } from '../contract/index.js';

/** The role of one node (it identifies itself). Times are when the look began that heard them. */
export class ReportedRole {
  #word: RoleWord | undefined = undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #foundAt = Number.NEGATIVE_INFINITY;
  #awaitedSince = Number.POSITIVE_INFINITY;

  /** Of the last word. */
  get askedAt(): number {
    return this.#askedAt;
  }

  /** Of the first word that was the same as all later ones. */
  get foundAt(): number {
    return this.#foundAt;
  }

  /** A caller waits for a word of this time or later. */
  awaitSince(at: number): void {
    this.#awaitedSince = at;
  }

  /** @returns whether a caller waits for this word */
  note({ serverId, role }: RoleWord, askedAt: number): boolean {
    if (this.#word?.serverId !== serverId || this.#word.role !== role) this.#foundAt = askedAt;
    this.#word = { serverId, role };
    this.#askedAt = askedAt;
    if (askedAt < this.#awaitedSince) return false;
    this.#awaitedSince = Number.POSITIVE_INFINITY;
    return true;
  }
}
