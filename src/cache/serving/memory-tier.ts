import type { Mark } from '../invalidation/index.js';

/** A value in this process's memory. */
export interface MemoryEntry {
  readonly value: unknown;
  /** It must not be cached; see Envelope. */
  readonly refused: boolean;
  readonly bytes: number;
  /** When its loading began, by the clock that never steps back, in milliseconds. */
  readonly loadedAt: number;
  readonly freshUntil: number;
  readonly servedUntil: number;
  readonly sequence: number;
  readonly marks: readonly Mark[];
  /** It was served since it was last passed over when room was made. */
  used: boolean;
}

/** So many entries are passed over at most for one that goes: nobody waits for a walk over all of them. */
const MOST_CHANCES = 64;
/** What an entry costs beyond its value, roughly. */
const OVERHEAD_BYTES = 512;

/**
 * Values by their keys, within a number of bytes. Room is made as a clock with a second chance makes it (F. J. Corbató, 1968): the oldest goes,
 * unless it was used; then it counts as new. So serving a value costs a flag and no place in a list.
 */
export class MemoryTier {
  readonly #entries = new Map<string, MemoryEntry>();
  /** Kept: a new one would walk over the places of all that are gone already. Whatever it has passed is gone. */
  #oldestFirst = this.#entries.keys();
  #bytes = 0;
  #evictions = 0;

  constructor(readonly maxBytes: number) {}

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get evictions(): number {
    return this.#evictions;
  }

  get(key: string): MemoryEntry | undefined {
    return this.#entries.get(key);
  }

  /** Returns whether it is kept: what is larger than the whole tier is not. */
  set(key: string, entry: MemoryEntry): boolean {
    this.delete(key);
    const bytes = sizeOf(key, entry);
    if (bytes > this.maxBytes) return false;
    while (this.#bytes + bytes > this.maxBytes) this.#makeRoom();
    this.#entries.set(key, entry);
    this.#bytes += bytes;
    return true;
  }

  #makeRoom(): void {
    let key = this.#oldest();
    for (let chances = 0; chances < MOST_CHANCES; chances += 1) {
      const entry = this.#entries.get(key) as MemoryEntry;
      if (!entry.used) break;
      entry.used = false;
      this.#entries.delete(key);
      this.#entries.set(key, entry);
      key = this.#oldest();
    }
    this.delete(key);
    this.#evictions += 1;
  }

  /** Precondition: there is one. */
  #oldest(): string {
    const next = this.#oldestFirst.next();
    if (!next.done) return next.value;
    // It had come to an end when there was nothing more.
    this.#oldestFirst = this.#entries.keys();
    return this.#oldestFirst.next().value as string;
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= sizeOf(key, entry);
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}

function sizeOf(key: string, { bytes }: MemoryEntry): number {
  return bytes + 2 * key.length + OVERHEAD_BYTES;
}
