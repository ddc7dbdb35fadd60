import type { Mark } from './marks.js';

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
}

/** What an entry costs beyond its value, roughly. */
const OVERHEAD_BYTES = 512;

/** Values by their keys, the least recently used first; above its bytes, those go. */
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

  /** Makes an entry the last that would go. */
  touch(key: string, entry: MemoryEntry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  /** Returns whether it is kept: what is larger than the whole tier is not. */
  set(key: string, entry: MemoryEntry): boolean {
    this.delete(key);
    const bytes = sizeOf(key, entry);
    if (bytes > this.maxBytes) return false;
    this.#entries.set(key, entry);
    this.#bytes += bytes;
    while (this.#bytes > this.maxBytes) {
      this.delete(this.#oldest());
      this.#evictions += 1;
    }
    return true;
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
