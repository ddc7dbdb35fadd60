/** Tables of keywords that are looked up in place: no part of the text is cut out or changed to find a word in them. */

/** A letter and its capital differ in this bit. */
const CASE_BIT = 0x20;
const SLOTS = 1_024;

interface Entry<T> {
  readonly word: string;
  readonly value: T;
}

/**
 * Words with a value each. Case does not count, for ASCII letters only: the server folds no others in keywords, while JavaScript's own functions
 * make an S of a long s and a K of the Kelvin sign.
 */
export class WordTable<T> {
  /** Made at the first look-up: most tables are not needed when a process starts. */
  #slots: (Entry<T>[] | undefined)[] | undefined = undefined;

  /** @param lists values with their words in capitals, separated by white space; the last value of a word counts */
  constructor(private readonly lists: readonly (readonly [value: T, words: string])[]) {}

  /** The value of the word that stands in the text from `start` to before `end`. */
  at(sql: string, start: number, end: number): T | undefined {
    this.#slots ??= slotsOf(this.lists);
    const slot = this.#slots[slotOf(end - start, sql.charCodeAt(start))];
    if (slot === undefined) return undefined;
    for (let index = 0; index < slot.length; index += 1) {
      const entry = slot[index] as Entry<T>;
      if (isWordAt(sql, start, end, entry.word)) return entry.value;
    }
    return undefined;
  }
}

function slotsOf<T>(lists: readonly (readonly [value: T, words: string])[]): (Entry<T>[] | undefined)[] {
  const entries = new Map<string, T>();
  for (const [value, words] of lists) for (const word of listOf(words)) entries.set(word, value);
  const slots = Array<Entry<T>[] | undefined>(SLOTS).fill(undefined);
  for (const [word, value] of entries) {
    const at = slotOf(word.length, word.charCodeAt(0));
    (slots[at] ??= []).push({ word, value });
  }
  return slots;
}

/** Whether this word, given in capitals, stands in the text from `start` to before `end`. */
export function isWordAt(sql: string, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let index = 0; index < word.length; index += 1) {
    const difference = sql.charCodeAt(start + index) ^ word.charCodeAt(index);
    if (difference !== 0 && difference !== CASE_BIT) return false;
  }
  return true;
}

/** A set of words, each given in the case of letters in which it is looked up. */
export function wordSet(words: string): ReadonlySet<string> {
  return new Set(listOf(words));
}

/** Each word with itself as its value. */
export function wordsThemselves(words: string): (readonly [string, string])[] {
  return listOf(words).map((word) => [word, word] as const);
}

function listOf(words: string): string[] {
  return words.trim().split(/\s+/);
}

/** By length and first letter. Longer words share their slots with short ones: their length is compared anyway. */
function slotOf(length: number, first: number): number {
  return ((length & 31) << 5) | (first & 31);
}
