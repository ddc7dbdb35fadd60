/** Sees what the statements of a pool write, and invalidates it in the cache when it is committed. */

import { inRootContext, setTimeout } from '../../engine/waiting/index.js';
import { EVERYTHING, SCHEMA, SCHEMA_DOUBT, TABLE } from '../../cache/invalidation/index.js';
import type { QueryCache } from '../../cache/serving/index.js';
import { type Effect, effectOf, type Schema, type StatementFacts } from '../../sql/index.js';
import type { Command } from '../driver/index.js';
import { isConnectionLost } from '../errors/index.js';
import type { KnownSchema } from './known-schema.js';
import type { WriteObserver, WritingConnection } from '../observation/index.js';

/** A server may continue a statement whose connection is gone: what it wrote is invalidated once more after this time. */
const AFTER_LOSS_MS = 5_000;

/** What has committed for certain, although a transaction is open after it: a new one. */
const COMMITS: ReadonlySet<string> = new Set(['BEGIN', 'COMMIT', 'START']);

/** What a statement writes, and in the order of invalidations, when that was judged. */
interface Judged {
  readonly names: readonly string[];
  readonly judgedAt: number;
}

/** What the open transaction of a connection has written so far, and when the first of it was judged. */
interface Written {
  readonly names: Set<string>;
  readonly judgedAt: number;
}

/**
 * Sees every statement of a pool's connections, and invalidates what the writes among them change: when the transaction ends, however it
 * ends, and before the caller has its answer.
 */
export class WriteWatch implements WriteObserver {
  readonly #written = new WeakMap<WritingConnection, Written>();

  constructor(
    private readonly cache: QueryCache,
    private readonly schema: KnownSchema,
  ) {}

  /** A command is about to be sent. */
  commandSent(connection: WritingConnection, command: Command, facts: StatementFacts | undefined): void {
    if (facts === undefined) {
      // A reset and another login roll back.
      if (this.#written.has(connection)) command.once('end', () => void this.#invalidateWritten(connection));
      return;
    }
    const several = connection.takesSeveralStatements;
    const schema = this.schema.trusted;
    if (facts.looksLikeRead && !several && schema?.hasRoutines === false) return;
    const effect = schema === undefined ? effectOfUnknown(facts, several, this.schema.last) : effectOf(facts.sql, schema, several);
    if (effect.kind === 'writes' && effect.unknownTable === true) this.schema.refresh();
    const names = namesOf(effect);
    const ends = facts.mayCommit(several);
    const judgedAt = this.cache.marks.sequence;
    if (names.length > 0) this.#noteWritten(connection, names, judgedAt);
    else if (!ends || !this.#written.has(connection)) return;
    const invalidate = (): Promise<void> | undefined => {
      if (!connection.session.inTransaction || (ends && COMMITS.has(facts.first))) return this.#invalidateWritten(connection);
      // And once more when the transaction ends, for the rest of it. What may have committed, as a procedure, may have left it open, too.
      if (ends) return this.#invalidateSoFar(connection);
      return effect.kind === 'writes' && effect.immediate === true ? this.#invalidate(names, judgedAt) : undefined;
    };
    if (command.onResult === undefined) command.once('end', () => void invalidate());
    else this.#holdBackAnswer(connection, command, invalidate, { names, judgedAt });
  }

  /** The connection is gone, and with it what it had not committed; tables without transactions keep it. */
  connectionLost(connection: WritingConnection): void {
    void this.#invalidateWritten(connection);
  }

  /** The caller has the answer when all processes know of the write. */
  #holdBackAnswer(connection: WritingConnection, command: Command, invalidate: () => Promise<void> | undefined, writes: Judged): void {
    const { onResult } = command;
    command.onResult = (...result) => {
      const [error] = result;
      const invalidated = invalidate();
      if (error !== null) this.#invalidateAgain(connection, command, error, writes);
      const answer = (): void => {
        onResult?.apply(command, result);
      };
      if (invalidated === undefined) answer();
      // Not in the promise: an error of the caller's own is not a rejection.
      else void invalidated.then(() => process.nextTick(answer));
    };
  }

  /** A caller that gives up has its error before the server has ended the statement, which may take effect even so. */
  #invalidateAgain(connection: WritingConnection, command: Command, error: Error, { names, judgedAt }: Judged): void {
    const again = (): void => {
      this.#noteWritten(connection, names, judgedAt);
      if (!connection.session.inTransaction || !connection.alive) void this.#invalidateWritten(connection);
    };
    command.once('end', again);
    if (isConnectionLost(error)) inRootContext(() => setTimeout(again, AFTER_LOSS_MS).unref());
  }

  #noteWritten(connection: WritingConnection, names: readonly string[], judgedAt: number): void {
    let written = this.#written.get(connection);
    if (written === undefined) {
      written = { names: new Set(), judgedAt };
      this.#written.set(connection, written);
    }
    for (const name of names) written.names.add(name);
  }

  #invalidateWritten(connection: WritingConnection): Promise<void> | undefined {
    const written = this.#written.get(connection);
    if (written === undefined) return undefined;
    this.#written.delete(connection);
    return this.#invalidate([...written.names], written.judgedAt);
  }

  #invalidateSoFar(connection: WritingConnection): Promise<void> | undefined {
    const written = this.#written.get(connection);
    return written === undefined ? undefined : this.#invalidate([...written.names], written.judgedAt);
  }

  #invalidate(names: readonly string[], judgedAt: number): Promise<void> | undefined {
    const { schemaChanged, schemaDoubted } = this.cache.marks;
    // The schema by which it was judged may not have been the one by which the server wrote.
    const isMisjudged = schemaChanged > judgedAt || schemaDoubted > judgedAt;
    return this.cache.invalidateNames(isMisjudged && !names.includes(EVERYTHING) ? [...names, EVERYTHING] : names);
  }
}

const NOTHING: readonly string[] = [];
const ALL_DATA: readonly string[] = [EVERYTHING];
const MAYBE_SCHEMA: readonly string[] = [EVERYTHING, SCHEMA_DOUBT];
const WHOLE_SCHEMA: readonly string[] = [EVERYTHING, SCHEMA];
const HARMLESS: Effect = { kind: 'none' };
const UNKNOWN: Effect = { kind: 'writes', tables: 'everything', immediate: true };

/** While the schema is not known, or in doubt: a write may change every table, and a function that is called may be a stored one that writes. */
function effectOfUnknown(facts: StatementFacts, several: boolean, last: Schema | undefined): Effect {
  const mayCall = last?.hasRoutines === true;
  if (!mayCall && facts.looksLikeRead && !several && callsNothing(facts)) return HARMLESS;
  const effect = effectOf(facts.sql, undefined, several);
  if (effect.kind !== 'none') return effect;
  // A view that is known may call one, too.
  return callsNothing(facts) && !(mayCall && effectOf(facts.sql, last, several).kind !== 'none') ? HARMLESS : UNKNOWN;
}

function callsNothing(facts: StatementFacts): boolean {
  return !facts.sql.includes('(') || facts.readOnly;
}

function namesOf(effect: Effect): readonly string[] {
  if (effect.kind === 'none') return NOTHING;
  if (effect.kind === 'schema') return WHOLE_SCHEMA;
  if (effect.tables !== 'everything') return effect.tables.map((table) => TABLE + table);
  return effect.anything === true ? MAYBE_SCHEMA : ALL_DATA;
}
