/** The schema of the database as the cache knows it, and when that is read anew. */

import { performance } from '../../engine/waiting/index.js';
import { SCHEMA } from '../../cache/invalidation/index.js';
import type { QueryCache } from '../../cache/serving/index.js';
import { Schema } from '../../sql/index.js';
import { type ReadRows, readSchema } from './schema-reader.js';

/** The schema may be changed behind the cache's back: it is read again after this time. */
const FRESH_MS = 60_000;
/** A schema that could not be read, or did not know a table, is not read again before. */
const RETRY_MS = 1_000;

/** The schema as it was read the last time, and whether that still counts. It is read when it is first needed. */
export class KnownSchema {
  #schema: Schema | undefined = undefined;
  #reading: Promise<void> | undefined = undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  readonly #hasChanged: () => boolean;

  constructor(
    private readonly read: ReadRows,
    cache: QueryCache,
  ) {
    this.#hasChanged = cache.watch([SCHEMA]);
  }

  /** Undefined while it is not known; it is being read then, unless that has just failed. */
  get current(): Schema | undefined {
    return this.at(performance.now());
  }

  /** The same for a caller that has read the clock. */
  at(now: number): Schema | undefined {
    if (this.#hasChanged()) {
      this.#schema = undefined;
      this.#readAt = Number.NEGATIVE_INFINITY;
      this.#reading = undefined;
    }
    if (now - this.#readAt > (this.#schema === undefined ? RETRY_MS : FRESH_MS)) this.#start();
    return this.#schema;
  }

  /** Resolves when the reading that is under way has ended. Never rejects. */
  get settled(): Promise<void> {
    return this.#reading ?? Promise.resolve();
  }

  /** A table was named that it does not have. */
  refresh(): void {
    if (performance.now() - this.#readAt > RETRY_MS) this.#start();
  }

  #start(): void {
    if (this.#reading !== undefined) return;
    this.#readAt = performance.now();
    const reading: Promise<void> = readSchema(this.read).then(
      (facts) => {
        // One that was begun before a change says nothing.
        if (this.#reading === reading) this.#schema = new Schema(facts);
      },
      () => undefined,
    );
    this.#reading = reading;
    void reading.then(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
  }
}
