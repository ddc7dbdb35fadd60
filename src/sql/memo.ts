/** The one memo from texts to their facts: bounded, and cheap for texts that never come again. */

import { StatementFacts } from './statement-facts.js';

/** Longer texts are not remembered: they have values in them, so they do not come again. */
const LONGEST_REMEMBERED = 4_000;
/** Pairs of places, a power of two. */
const PAIRS = 512;
/** Of all remembered texts together. Beyond this the memo begins anew. */
const MOST_CHARACTERS = 524_288;

/**
 * A table in which each text has a pair of places, found by its length and a few of its characters. A Map would hash the whole of each text: that
 * costs more than to read it, and most texts with values in them are asked for once only. Of the texts that share a pair the two last ones stay.
 */
export class Memo {
  readonly #places: (StatementFacts | undefined)[] = Array.from({ length: 2 * PAIRS }, () => undefined);
  #characters = 0;
  /** The long text that was read last: one statement asks for several facts. The text can be collected all the same. */
  #long: WeakRef<StatementFacts> | undefined = undefined;

  factsOf(sql: string): StatementFacts {
    if (sql.length > LONGEST_REMEMBERED) return this.#factsOfLong(sql);
    const places = this.#places;
    const place = 2 * pairOf(sql);
    const last = places[place];
    if (last !== undefined && last.sql === sql) return last;
    const older = places[place + 1];
    const facts = older !== undefined && older.sql === sql ? older : this.#read(sql, older);
    places[place + 1] = places[place];
    places[place] = facts;
    return facts;
  }

  /** Facts that take the place of others. */
  #read(sql: string, replaced: StatementFacts | undefined): StatementFacts {
    this.#characters += sql.length - (replaced === undefined ? 0 : replaced.sql.length);
    if (this.#characters > MOST_CHARACTERS) this.#clear(sql);
    return new StatementFacts(sql);
  }

  #clear(sql: string): void {
    this.#places.fill(undefined);
    this.#characters = sql.length;
  }

  #factsOfLong(sql: string): StatementFacts {
    const last = this.#long?.deref();
    if (last !== undefined && last.sql === sql) return last;
    const facts = new StatementFacts(sql);
    this.#long = new WeakRef(facts);
    return facts;
  }
}

/** By characters from all over the text: those of one program mostly differ in names, and texts with values in them in their digits. */
function pairOf(sql: string): number {
  const { length } = sql;
  const step = (length >> 3) + 1;
  let hash = length;
  for (let at = length - 1; at >= 0; at -= step) hash = Math.imul(hash, 31) + sql.charCodeAt(at);
  return (hash ^ (hash >>> 10) ^ (hash >>> 20)) & (PAIRS - 1);
}

const memo = new Memo();

/** The facts of a text. Never throws, for any text. */
export function factsOf(sql: string): StatementFacts {
  return memo.factsOf(sql);
}
