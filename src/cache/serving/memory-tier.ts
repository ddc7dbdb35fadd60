/** The tier in memory: values by their keys, within a number of bytes, evicted by a clock with a second chance. */
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
  /** It was served since the clock last passed it. */
  used: boolean;
}

/** At most this many entries get a second chance for one that is evicted: no caller waits for a walk over all of them. */
const MOST_CHANCES = 64;
/** What an entry costs beyond its value, roughly. */
const OVERHEAD_BYTES = 512;

/**
 * Values by their keys. Eviction is a clock with a second chance (F. J. Corbató, 1968): the oldest entry is evicted unless it was used; a used
 * one counts as new. So serving a value sets a flag and moves nothing in a list.
 */
export class MemoryTier {
  readonly #entries = new Map<string, MemoryEntry>();
  /** One iterator is kept, because a new one would walk over the places of all deleted entries. All entries that it has passed are deleted. */
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

  /** Returns whether the entry is kept: one that is larger than the whole tier is not. */
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

  /** Precondition: there is an entry. */
  #oldest(): string {
    const next = this.#oldestFirst.next();
    if (!next.done) return next.value;
    // The iterator had ended when the tier was empty.
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
