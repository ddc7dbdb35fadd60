/** When each name was last invalidated, in two orders: this process's own, and the ledger's in Redis. */
import { EVERYTHING } from './names.js';

/**
 * What is known of invalidations: for each name of a table, tag or key, when it was last invalidated. A value is still good when none of its
 * names was invalidated since it began to be loaded.
 *
 * Two orders are kept. `sequence` counts what this process has heard of, also before Redis has; values in this process's memory are held
 * against it. `position` is the place in the ledger in Redis; values that came from Redis are held against it.
 */
export interface Mark {
  sequence: number;
  position: number;
  /** Invalidations of this process that are not in the ledger yet. */
  pending: number;
}

/** Names share marks when their hashes agree, which costs an invalidation too many, once in this many pairs; memory stays bounded. */
const MARKS = 1 << 16;

export class Marks {
  readonly #marks: (Mark | undefined)[] = Array.from({ length: MARKS });
  readonly #everything: Mark = { sequence: 0, position: 0, pending: 0 };
  /** Values in Redis that are older are not trusted: nothing is known of what was invalidated before. */
  #horizon = 0;
  #sequence = 0;

  /** How many invalidations this process has heard of. */
  get sequence(): number {
    return this.#sequence;
  }

  marksOf(names: readonly string[]): Mark[] {
    return names.map((name) => this.#markOf(name));
  }

  /** This process invalidates: known here at once; pending, where it is not yet, until {@link settlePending}. */
  noteOwnInvalidation(names: readonly string[], isNew: (name: string) => boolean = () => true): void {
    this.#sequence += 1;
    for (const name of names) {
      const mark = this.#markOf(name);
      mark.sequence = this.#sequence;
      if (isNew(name)) mark.pending += 1;
    }
  }

  /** What {@link noteOwnInvalidation} was told is in the ledger now, or is told otherwise; values that were loaded meanwhile are not disturbed. */
  settlePending(names: Iterable<string>, position: number): void {
    for (const name of names) {
      const mark = this.#markOf(name);
      mark.pending -= 1;
      mark.position = Math.max(mark.position, position);
    }
  }

  /** Another process has invalidated. */
  noteOthersInvalidation(names: readonly string[], position: number): void {
    this.#sequence += 1;
    for (const name of names) this.#markOf(name).sequence = this.#sequence;
    this.notePastInvalidation(names, position);
  }

  /** What was invalidated before, read when the ledger is joined: says nothing of what is in memory. */
  notePastInvalidation(names: readonly string[], position: number): void {
    for (const name of names) {
      const mark = this.#markOf(name);
      mark.position = Math.max(mark.position, position);
    }
  }

  /** Something was missed: no value that was there before counts, here or in Redis. */
  noteGap(horizon: number): void {
    this.#sequence += 1;
    this.#everything.sequence = this.#sequence;
    this.#horizon = Math.max(this.#horizon, horizon);
  }

  /** Another ledger has taken the place of the one that was followed: its positions begin anew. */
  restartPositions(): void {
    this.noteGap(0);
    this.#horizon = 0;
    this.#everything.position = 0;
    for (const mark of this.#marks) {
      if (mark !== undefined) mark.position = 0;
    }
  }

  /** Whether a value whose loading began at `sequence` is still good. */
  isGoodSince(marks: readonly Mark[], sequence: number): boolean {
    if (this.#everything.sequence > sequence) return false;
    for (const mark of marks) if (mark.sequence > sequence) return false;
    return true;
  }

  /** Whether a value from Redis, whose loading began at `position`, is still good. */
  isGoodAt(marks: readonly Mark[], position: number): boolean {
    if (position < this.#horizon || !isAfter(this.#everything, position)) return false;
    return marks.every((mark) => isAfter(mark, position));
  }

  #markOf(name: string): Mark {
    if (name === EVERYTHING) return this.#everything;
    const index = indexOf(name);
    return (this.#marks[index] ??= { sequence: 0, position: 0, pending: 0 });
  }
}

function isAfter(mark: Mark, position: number): boolean {
  return mark.pending === 0 && mark.position <= position;
}

/** FNV-1a (Fowler, Noll, Vo), folded to the number of marks. */
function indexOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  return (hash ^ (hash >>> 16)) & (MARKS - 1);
}
