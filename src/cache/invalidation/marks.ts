/** When each name was last invalidated, in two orders: this process's own, and the ledger's in Redis. */
import { EVERYTHING, SCHEMA, SCHEMA_DOUBT } from './names.js';

/**
 * When one name was last invalidated: a table, a tag or a key. A value is good when none of its names was invalidated since its loading began.
 *
 * There are two orders. `sequence` counts the invalidations that this process knows, also before Redis knows them; it judges the values in
 * this process's memory. `position` is the place in the ledger in Redis; it judges the values that came from Redis.
 */
export interface Mark {
  sequence: number;
  position: number;
  /** Invalidations of this process that are not in the ledger yet. */
  pending: number;
}

/** Names whose hashes agree share a mark, one pair in this many. That costs an invalidation too many, and keeps memory bounded. */
const MARKS = 1 << 16;

/** The marks of all names. */
export class Marks {
  readonly #marks: (Mark | undefined)[] = Array.from({ length: MARKS });
  readonly #everything: Mark = { sequence: 0, position: 0, pending: 0 };
  /** They share their marks with no table: each of its writes would make the schema one to be read again. */
  readonly #schema: Mark = { sequence: 0, position: 0, pending: 0 };
  readonly #doubt: Mark = { sequence: 0, position: 0, pending: 0 };
  /** Values in Redis from before this position are not trusted: the process does not know what was invalidated before. */
  #horizon = 0;
  #sequence = 0;

  /** How many invalidations this process knows. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The sequence of the last change of the schema. */
  get schemaChanged(): number {
    return this.#schema.sequence;
  }

  /** The sequence of the last invalidation after which the schema may be another one. */
  get schemaDoubted(): number {
    return this.#doubt.sequence;
  }

  marksOf(names: readonly string[]): Mark[] {
    return names.map((name) => this.#markOf(name));
  }

  /** This process invalidates names. It knows that at once; a new name is pending until {@link settlePending}. */
  noteOwnInvalidation(names: readonly string[], isNew: (name: string) => boolean = () => true): void {
    this.#sequence += 1;
    for (const name of names) {
      const mark = this.#markOf(name);
      mark.sequence = this.#sequence;
      if (isNew(name)) mark.pending += 1;
    }
  }

  /** Names of {@link noteOwnInvalidation} are in the ledger now, or another name covers them. Values that were loaded meanwhile stay good. */
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

  /** Earlier invalidations, read when the process joins the ledger. They say nothing about values in memory. */
  notePastInvalidation(names: readonly string[], position: number): void {
    for (const name of names) {
      const mark = this.#markOf(name);
      mark.position = Math.max(mark.position, position);
    }
  }

  /** The process has missed invalidations: it trusts no earlier value, in memory or in Redis. */
  noteGap(horizon: number): void {
    this.#sequence += 1;
    this.#everything.sequence = this.#sequence;
    this.#doubt.sequence = this.#sequence;
    this.#horizon = Math.max(this.#horizon, horizon);
  }

  /** Another ledger has replaced the one that the process followed. Its positions begin again. */
  restartPositions(): void {
    this.noteGap(0);
    this.#horizon = 0;
    for (const mark of [this.#everything, this.#schema, this.#doubt]) mark.position = 0;
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
    if (name === SCHEMA) return this.#schema;
    if (name === SCHEMA_DOUBT) return this.#doubt;
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
