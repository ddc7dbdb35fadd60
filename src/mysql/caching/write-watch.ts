/** Sees what the statements of a pool write, and invalidates it in the cache when it is committed. */

import { EVERYTHING, SCHEMA, SCHEMA_DOUBT, TABLE } from '../../cache/invalidation/index.js';
import type { QueryCache } from '../../cache/serving/index.js';
import { type Effect, effectOf, type Schema, type StatementFacts } from '../../sql/index.js';
import type { Command } from '../driver/index.js';
import { isConnectionLost } from '../errors/index.js';
import type { KnownSchema } from './known-schema.js';
import type { WriteObserver, WritingConnection } from '../observation/index.js';

/** A server may continue a statement whose connection is gone: what it wrote is invalidated once more after this time. */
const AFTER_LOSS_MS = 5_000;

/** What a statement writes, whether others see it before the transaction ends, and in the order of invalidations, when that was judged. */
interface Judged {
  readonly names: readonly string[];
  readonly immediate: boolean;
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
    const writes = schema === undefined ? this.#judgedUnknown(facts, several) : this.#judged(facts.sql, schema, several);
    const ends = facts.mayCommit(several);
    const { names, judgedAt } = writes;
    if (names.length > 0) this.#noteWritten(connection, names, judgedAt);
    else if (!ends || !this.#written.has(connection)) return;
    const isOver = (): boolean => ends || !connection.session.inTransaction;
    if (command.onResult === undefined) command.once('end', () => void this.#invalidateEnded(connection, isOver, writes));
    else this.#holdBackAnswer(connection, command, isOver, writes);
  }

  /** The connection is gone, and with it what it had not committed; tables without transactions keep it. */
  connectionLost(connection: WritingConnection): void {
    void this.#invalidateWritten(connection);
  }

  /** The caller has the answer when all processes know of the write. */
  #holdBackAnswer(connection: WritingConnection, command: Command, isOver: () => boolean, writes: Judged): void {
    const { onResult } = command;
    command.onResult = (...result) => {
      const [error] = result;
      const invalidated = this.#invalidateEnded(connection, isOver, writes);
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
    if (isConnectionLost(error)) setTimeout(again, AFTER_LOSS_MS).unref();
  }

  /** A statement has ended. In an open transaction only what others see already; that once more, with all the rest, when the transaction ends. */
  #invalidateEnded(
    connection: WritingConnection,
    isOver: () => boolean,
    { names, immediate, judgedAt }: Judged,
  ): Promise<void> | undefined {
    if (isOver()) return this.#invalidateWritten(connection);
    return immediate ? this.#invalidate(names, judgedAt) : undefined;
  }

  #judged(sql: string, schema: Schema, several: boolean): Judged {
    const judgedAt = this.cache.marks.sequence;
    const effect = effectOf(sql, schema, several);
    if (effect.kind !== 'writes') return { names: namesOf(effect), immediate: false, judgedAt };
    const immediate = effect.immediate === true;
    if (effect.tables === 'everything') {
      if (effect.unknownTable === true) this.schema.refresh();
      return { names: namesOf(effect), immediate, judgedAt };
    }
    return { names: effect.tables.map((table) => TABLE + table), immediate, judgedAt };
  }

  /** Nothing says then that there are no tables without transactions. */
  #judgedUnknown(facts: StatementFacts, several: boolean): Judged {
    return { names: namesOfUnknown(facts, several), immediate: true, judgedAt: this.cache.marks.sequence };
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

  /** The schema by which it was judged may not have been the one by which the server wrote. */
  #invalidate(names: readonly string[], judgedAt: number): Promise<void> | undefined {
    const { schemaChanged, schemaDoubted } = this.cache.marks;
    const isDoubtful = schemaChanged > judgedAt || schemaDoubted > judgedAt;
    return this.cache.invalidateNames(isDoubtful && !names.includes(EVERYTHING) ? [...names, EVERYTHING] : names);
  }
}

const NOTHING: readonly string[] = [];
const ALL_DATA: readonly string[] = [EVERYTHING];
const MAYBE_SCHEMA: readonly string[] = [EVERYTHING, SCHEMA_DOUBT];
const WHOLE_SCHEMA: readonly string[] = [EVERYTHING, SCHEMA];

/** While the schema is not known, or in doubt: a write may change every table, and a function that is called may be a stored one that writes. */
function namesOfUnknown(facts: StatementFacts, several: boolean): readonly string[] {
  if (facts.looksLikeRead && !several && callsNothing(facts)) return NOTHING;
  const effect = effectOf(facts.sql, undefined, several);
  return effect.kind === 'none' && !callsNothing(facts) ? ALL_DATA : namesOf(effect);
}

function callsNothing(facts: StatementFacts): boolean {
  return !facts.sql.includes('(') || facts.readOnly;
}

/** Precondition: it writes everything, if it writes. */
function namesOf(effect: Effect): readonly string[] {
  if (effect.kind === 'none') return NOTHING;
  if (effect.kind === 'schema') return WHOLE_SCHEMA;
  return effect.anything === true ? MAYBE_SCHEMA : ALL_DATA;
}
