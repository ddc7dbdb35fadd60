/** The schema of the database as the cache knows it: read beside the work, one reading at a time, at a bounded rate. */

import { nodeCrypto } from '../../packages/index.js';
import { performance } from '../../engine/waiting/index.js';
import { EVERYTHING } from '../../cache/invalidation/index.js';
import type { QueryCache } from '../../cache/serving/index.js';
import { withinLimits } from '../../cache/contract/index.js';
import { Schema, type SchemaFacts } from '../../sql/index.js';
import { type ReadRows, readSchema } from './schema-reader.js';

/** The schema may be changed behind the cache's back: it is read again after this time. */
const FRESH_MS = 60_000;
/** At least as long is the pause after a reading: there are four in a second at most. */
const PAUSE_MS = 250;
/** This many pauses may be caught up: three readings come after each other where there was none for a while. */
const PAUSES_LEFT_OUT = 2;
/** The pause after a reading that failed, and before one for a table that the schema does not have. */
const RETRY_MS = 1_000;
/** The pause is that many times as long as the reading was: readings take a tenth of the time at most. No pause is longer than {@link FRESH_MS}. */
const PAUSE_PER_READING = 9;
/** A read that wants to be cached waits no longer than this from when a reading began. Then it goes past the cache. */
const PATIENCE_MS = 1_000;

/**
 * The schema as it was read the last time, and whether that still counts. What a statement of unknown effect may have done to it is checked by
 * another reading; until then the schema that is known serves reads, and writes touch everything ({@link trusted}). No write waits for a reading.
 */
export class KnownSchema {
  #schema: Schema | undefined = undefined;
  /** Of everything that was read. */
  #digest = '';
  /** In the order of invalidations, when the reading that brought the schema began, or the last one that found the same. */
  #confirmed = -1;
  #freshUntil = Number.NEGATIVE_INFINITY;
  /** When the next reading would begin if each had its pause. */
  #dueAt = Number.NEGATIVE_INFINITY;
  #pauseMs = 0;
  #endedAt = Number.NEGATIVE_INFINITY;
  #retryAt = Number.NEGATIVE_INFINITY;
  #isReading = false;
  #isMissingTable = false;
  #settled: Promise<void> | undefined = undefined;

  constructor(
    private readonly read: ReadRows,
    private readonly cache: QueryCache,
  ) {}

  /** What writes are judged by: undefined while it is not known, or may have changed. */
  get trusted(): Schema | undefined {
    this.#keepUp(performance.now());
    return this.isInDoubt ? undefined : this.#schema;
  }

  /** As it was read the last time, whether it still counts or not. */
  get last(): Schema | undefined {
    return this.#schema;
  }

  /**
   * What reads are judged by at this time: undefined while it is not known, and after a change. When it only may have changed it is the one that
   * is known: no value outlives a write then, and none a reading that finds a change.
   */
  at(now: number): Schema | undefined {
    this.#keepUp(now);
    return this.cache.marks.schemaChanged > this.#confirmed ? undefined : this.#schema;
  }

  /** Whether the schema may have changed since it was read. */
  get isInDoubt(): boolean {
    const { marks } = this.cache;
    return marks.schemaChanged > this.#confirmed || marks.schemaDoubted > this.#confirmed;
  }

  /** Resolves when the reading that is under way has ended, or has taken too long to be waited for. Undefined when there is none. Never rejects. */
  get settled(): Promise<void> | undefined {
    return this.#settled;
  }

  /** A table was named that it does not have. */
  refresh(): void {
    this.#isMissingTable = true;
  }

  #keepUp(now: number): void {
    if (this.#isReading || now < this.#retryAt || now < this.#dueAt - PAUSES_LEFT_OUT * this.#pauseMs) return;
    const isMissing = this.#isMissingTable && now >= this.#endedAt + RETRY_MS;
    if (now >= this.#freshUntil || isMissing || this.#schema === undefined || this.isInDoubt) void this.#start(now);
  }

  async #start(beganAt: number): Promise<void> {
    this.#isReading = true;
    this.#isMissingTable = false;
    const { sequence } = this.cache.marks;
    const reading = readSchema(this.read).then(
      (facts) => this.#adopt(facts, sequence),
      () => RETRY_MS,
    );
    this.#settled = this.#patience(reading);
    const shortest = await reading;
    const now = performance.now();
    this.#isReading = false;
    this.#endedAt = now;
    if (shortest === RETRY_MS) this.#retryAt = now + RETRY_MS;
    this.#pauseMs = Math.min(Math.max(shortest, PAUSE_PER_READING * (now - beganAt)), FRESH_MS);
    this.#dueAt = Math.max(this.#dueAt, now) + this.#pauseMs;
  }

  async #patience(reading: Promise<number>): Promise<void> {
    await withinLimits(reading, { timeout: PATIENCE_MS }, 'statement').catch(() => undefined);
    this.#settled = undefined;
  }

  /** Returns the shortest pause after it. */
  #adopt(facts: SchemaFacts, sequence: number): number {
    const digest = digestOf(facts);
    if (digest !== this.#digest) {
      // What was read and written meanwhile was judged by a schema that was no longer the server's.
      if (this.#schema !== undefined) void this.cache.invalidateNames([EVERYTHING]);
      this.#schema = new Schema(facts);
      this.#digest = digest;
    }
    // A reading that began before a change does not show the change: the mark of the change is later.
    this.#confirmed = sequence;
    this.#freshUntil = performance.now() + FRESH_MS;
    return PAUSE_MS;
  }
}

/** The server gives rows in no order of its own. */
function digestOf(facts: SchemaFacts): string {
  const sorted = Object.entries(facts).map(([name, value]: [string, unknown]) => [
    name,
    Array.isArray(value) ? value.map(textOf).sort() : value,
  ]);
  return nodeCrypto().createHash('sha256').update(JSON.stringify(sorted)).digest('base64url');
}

function textOf(value: unknown): string {
  return JSON.stringify(value);
}
