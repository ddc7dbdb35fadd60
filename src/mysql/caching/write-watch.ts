/** Sees what the statements of a pool write, and invalidates it in the cache when it is committed. */

import { EVERYTHING, SCHEMA, TABLE } from '../../cache/invalidation/index.js';
import type { QueryCache } from '../../cache/serving/index.js';
import { inRootContext } from '../../engine/waiting/index.js';
import { effectOf, type StatementFacts } from '../../sql/index.js';
import type { Command } from '../driver/index.js';
import { isConnectionLost } from '../errors/index.js';
import type { KnownSchema } from './known-schema.js';
import type { WriteObserver, WritingConnection } from '../observation/index.js';

/** A server may continue a statement whose connection is gone: what it wrote is invalidated once more after this time. */
const AFTER_LOSS_MS = 5_000;

/** What a statement writes, and whether others see it before the transaction ends. */
interface Written {
  readonly names: readonly string[];
  readonly immediate: boolean;
}

const NOTHING: Written = { names: [], immediate: false };
const SCHEMA_CHANGED: Written = { names: [EVERYTHING, SCHEMA], immediate: false };

/**
 * Sees every statement of a pool's connections, and invalidates what the writes among them change: when the transaction ends, however it
 * ends, and before the caller has its answer.
 */
export class WriteWatch implements WriteObserver {
  /** What the open transaction of a connection has written so far. */
  readonly #written = new WeakMap<WritingConnection, Set<string>>();

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
    if (facts.looksLikeRead && !several && this.schema.current?.hasRoutines === false) return;
    const { names, immediate } = this.#writtenBy(facts.sql);
    const ends = facts.mayCommit(several);
    if (names.length > 0) this.#noteWritten(connection, names);
    else if (!ends || !this.#written.has(connection)) return;
    const isOver = (): boolean => ends || !connection.session.inTransaction;
    const invalidate = (): Promise<void> | undefined => {
      if (isOver()) return this.#invalidateWritten(connection);
      // And once more when the transaction ends, for the rest of it.
      return immediate ? this.cache.invalidateNames(names) : undefined;
    };
    if (command.onResult === undefined) command.once('end', () => void invalidate());
    else this.#holdBackAnswer(connection, command, invalidate, names);
  }

  /** The connection is gone, and with it what it had not committed; tables without transactions keep it. */
  connectionLost(connection: WritingConnection): void {
    void this.#invalidateWritten(connection);
  }

  /** The caller has the answer when all processes know of the write. */
  #holdBackAnswer(
    connection: WritingConnection,
    command: Command,
    invalidate: () => Promise<void> | undefined,
    names: readonly string[],
  ): void {
    const { onResult } = command;
    command.onResult = (...result) => {
      const [error] = result;
      const invalidated = invalidate();
      if (error !== null) this.#invalidateAgain(connection, command, error, names);
      const answer = (): void => {
        onResult?.apply(command, result);
      };
      if (invalidated === undefined) answer();
      // Not in the promise: an error of the caller's own is not a rejection.
      else void invalidated.then(() => process.nextTick(answer));
    };
  }

  /** A caller that gives up has its error before the server has ended the statement, which may take effect even so. */
  #invalidateAgain(connection: WritingConnection, command: Command, error: Error, names: readonly string[]): void {
    const again = (): void => {
      this.#noteWritten(connection, names);
      if (!connection.session.inTransaction || !connection.alive) void this.#invalidateWritten(connection);
    };
    command.once('end', again);
    if (isConnectionLost(error)) inRootContext(() => setTimeout(again, AFTER_LOSS_MS).unref());
  }

  #writtenBy(sql: string): Written {
    const effect = effectOf(sql, this.schema.current);
    switch (effect.kind) {
      case 'none':
        return NOTHING;
      case 'schema':
        return SCHEMA_CHANGED;
      case 'writes': {
        if (effect.unknownTable === true) this.schema.refresh();
        const names = effect.tables === 'everything' ? [EVERYTHING] : effect.tables.map((table) => TABLE + table);
        return { names, immediate: effect.immediate === true };
      }
    }
  }

  #noteWritten(connection: WritingConnection, names: readonly string[]): void {
    let written = this.#written.get(connection);
    if (written === undefined) {
      written = new Set();
      this.#written.set(connection, written);
    }
    for (const name of names) written.add(name);
  }

  #invalidateWritten(connection: WritingConnection): Promise<void> | undefined {
    const written = this.#written.get(connection);
    if (written === undefined) return undefined;
    this.#written.delete(connection);
    return this.cache.invalidateNames([...written]);
  }
}
