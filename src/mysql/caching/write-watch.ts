import { EVERYTHING, SCHEMA } from '../../cache/invalidation/index.js';
import type { QueryCache } from '../../cache/serving/index.js';
import { effectOf, looksLikeRead } from '../../cache/statement.js';
import { type Command, statementOf } from '../driver/index.js';
import { isConnectionLost } from '../errors/index.js';
import type { KnownSchema } from './known-schema.js';
import { commitsImplicitly } from '../connections/index.js';
import type { WriteObserver, WritingConnection } from '../observation/index.js';

/** A server may go on with a statement whose connection is gone: what it wrote is invalidated once more after this time. */
const AFTER_LOSS_MS = 5_000;

/**
 * Sees every statement of a pool's connections, whoever sends it, and invalidates what the writes among them change: when the transaction
 * ends, however it ends, and before the caller is told.
 */
export class WriteWatch implements WriteObserver {
  /** What the open transaction of a connection has written so far. */
  readonly #written = new WeakMap<WritingConnection, Set<string>>();

  constructor(
    private readonly cache: QueryCache,
    private readonly schema: KnownSchema,
  ) {}

  /** A command is about to be sent. */
  sent(connection: WritingConnection, command: Command): void {
    const sql = statementOf(command);
    if (sql === undefined) {
      // A reset and another login roll back.
      if (this.#written.has(connection)) command.once('end', () => void this.#tell(connection));
      return;
    }
    const several = connection.takesSeveralStatements;
    if (looksLikeRead(sql) && !several && this.schema.current?.hasRoutines === false) return;
    const names = this.#namesWrittenBy(sql);
    const ends = commitsImplicitly(sql, several);
    if (names.length > 0) this.#note(connection, names);
    else if (!ends || !this.#written.has(connection)) return;
    const isOver = (): boolean => ends || !connection.session.inTransaction;
    if (command.onResult === undefined) {
      command.once('end', () => {
        if (isOver()) void this.#tell(connection);
      });
    } else {
      this.#holdBack(connection, command, isOver, names);
    }
  }

  /** The connection is gone, and with it what it had not committed; tables without transactions keep it. */
  lost(connection: WritingConnection): void {
    void this.#tell(connection);
  }

  /** The caller is told when all processes were. */
  #holdBack(connection: WritingConnection, command: Command, isOver: () => boolean, names: readonly string[]): void {
    const { onResult } = command;
    command.onResult = (...result) => {
      const [error] = result;
      const told = isOver() ? this.#tell(connection) : undefined;
      if (error !== null) this.#tellAgain(connection, command, error, names);
      const answer = (): void => {
        onResult?.apply(command, result);
      };
      if (told === undefined) answer();
      // Not in the promise: an error of the caller's own is not a rejection.
      else void told.then(() => process.nextTick(answer));
    };
  }

  /** A caller who gives up is told before the server has ended the statement, which may have taken effect even so. */
  #tellAgain(connection: WritingConnection, command: Command, error: Error, names: readonly string[]): void {
    const again = (): void => {
      this.#note(connection, names);
      if (!connection.session.inTransaction || !connection.alive) void this.#tell(connection);
    };
    command.once('end', again);
    if (isConnectionLost(error)) setTimeout(again, AFTER_LOSS_MS).unref();
  }

  #namesWrittenBy(sql: string): readonly string[] {
    const effect = effectOf(sql, this.schema.current);
    switch (effect.kind) {
      case 'none':
        return [];
      case 'schema':
        return [EVERYTHING, SCHEMA];
      case 'writes':
        if (effect.unknownTable === true) this.schema.refresh();
        return effect.names;
    }
  }

  #note(connection: WritingConnection, names: readonly string[]): void {
    let written = this.#written.get(connection);
    if (written === undefined) {
      written = new Set();
      this.#written.set(connection, written);
    }
    for (const name of names) written.add(name);
  }

  #tell(connection: WritingConnection): Promise<void> | undefined {
    const written = this.#written.get(connection);
    if (written === undefined) return undefined;
    this.#written.delete(connection);
    return this.cache.invalidateNames([...written]);
  }
}
