/** A transaction as its function sees it: statements one after the other, and nested transactions by savepoints. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { type Lease, PoolError } from '../../engine/index.js';
import { currentDeadline } from '../../resilience/deadline/index.js';
import { type ExecuteValues, type FieldPacket, type QueryResult, type QueryValues, tracedBack } from '../driver/index.js';
import { type ManagedConnection, runToAnswer, takenBack } from '../connections/index.js';
import { type Method, ownStatement, type Statement, type StatementOptions, statementOnConnection, stoppedBy } from '../contract/index.js';
import { errnoOf, ownFlavor } from '../errors/index.js';

/** A transaction within another one: what is called inside it finds it here. */
interface Nested {
  readonly savepoint: string;
  /** The one that it was begun in, of this or of another pool's transaction. */
  readonly outer: Nested | undefined;
}

const nesting = new AsyncLocalStorage<Nested>();

/**
 * A transaction, as the function given to `pool.transaction` sees it. It is over when that function has returned or thrown, or its time
 * is up; a later use is refused.
 */
export class Transaction {
  readonly #lease: Lease<ManagedConnection>;
  readonly #stop: AbortSignal | undefined;
  #over = false;
  #savepoints = 0;
  /** Nested transactions that are under way, the innermost last. */
  readonly #nested: Nested[] = [];
  #committedImplicitly = false;
  /** Settles when what was sent so far has ended, and is known to have left the transaction open. Nothing: it has. */
  #last: Promise<void> | undefined = undefined;
  /** The server has rolled all of it back, or it is not known what is left: nothing more may be done in it. */
  #broken: { readonly error: unknown } | undefined = undefined;

  /** @internal */
  constructor(lease: Lease<ManagedConnection>, stop: AbortSignal | undefined) {
    this.#lease = lease;
    this.#stop = stop;
  }

  /** As `pool.query`, in this transaction. */
  query<T extends QueryResult>(sql: string | StatementOptions, values?: QueryValues): Promise<[T, FieldPacket[]]> {
    return this.#runCallers('query', sql, values) as Promise<[T, FieldPacket[]]>;
  }

  /** As `pool.execute`, in this transaction. */
  execute<T extends QueryResult>(sql: string | StatementOptions, values?: ExecuteValues): Promise<[T, FieldPacket[]]> {
    return this.#runCallers('execute', sql, values as QueryValues) as Promise<[T, FieldPacket[]]>;
  }

  /**
   * A transaction within this one: what `work` did is undone when it throws, and this transaction continues. One at a time.
   *
   * @throws what `work` throws; PoolError `POOL_TRANSACTION_OVERLAP` while another one is under way that this call is not inside of
   */
  async transaction<T>(work: (tx: this) => Promise<T>): Promise<T> {
    this.#refuseOverlap('transaction');
    this.#savepoints += 1;
    const nested: Nested = { savepoint: `poolwright_${this.#savepoints}`, outer: nesting.getStore() };
    this.#nested.push(nested);
    try {
      await this.#run(ownStatement(`SAVEPOINT ${nested.savepoint}`));
      return await this.#runNested(nested, work);
    } finally {
      this.#nested.splice(this.#nested.indexOf(nested), 1);
    }
  }

  /** @internal Whether some of the work may have been committed already, by a statement that commits by itself. */
  get committedImplicitly(): boolean {
    return this.#committedImplicitly;
  }

  /** @internal */
  close(): void {
    this.#over = true;
  }

  /** @internal Resolves when every statement has ended, also one that is not awaited; rejects when the transaction cannot be committed. */
  async settled(): Promise<void> {
    await this.#last;
    if (this.#broken !== undefined) throw this.#broken.error;
    if (this.#nested.length > 0)
      throw new PoolError('POOL_TRANSACTION_OVERLAP', 'The function ended while a nested transaction was under way.');
    throwIfGone(this.#lease);
  }

  async #runNested<T>(nested: Nested, work: (tx: this) => Promise<T>): Promise<T> {
    try {
      const result = await nesting.run(nested, async () => await work(this));
      await this.#run(ownStatement(`RELEASE SAVEPOINT ${nested.savepoint}`));
      return result;
    } catch (error) {
      await this.#goBackTo(nested.savepoint);
      throw error;
    }
  }

  /** What comes here may be anything: this is the door of the transaction. */
  #runCallers(method: Method, sql: unknown, values: QueryValues | undefined): Promise<unknown> {
    let statement: Statement;
    try {
      if (typeof values === 'function') throw new Error('Callback function is not available with promise clients.');
      this.#refuseOverlap(method);
      statement = statementOnConnection(method, sql, values, currentDeadline());
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#run(statement);
  }

  /** A statement from outside, between the savepoint of a nested transaction and its end, would be undone with it unseen. */
  #refuseOverlap(method: string): void {
    const innermost = this.#nested[this.#nested.length - 1];
    if (innermost === undefined) return;
    for (let around = nesting.getStore(); around !== undefined; around = around.outer) if (around === innermost) return;
    const message = `${method}() while a nested transaction is under way that this call is not inside of: it would be undone with it. Await the nested one first.`;
    throw new PoolError('POOL_TRANSACTION_OVERLAP', message);
  }

  /** One after the other: what the server has behind a deadlock already, it would run outside of the transaction, and keep. */
  #run(statement: Statement): Promise<unknown> {
    if (this.#over) return Promise.reject(new PoolError('POOL_RELEASED', `${statement.method}() after the transaction was over.`));
    const send = (): Promise<unknown> => this.#send(statement);
    const result = this.#last === undefined ? send() : this.#last.then(send);
    const ended = (): void => {
      if (this.#last === last) this.#last = undefined;
    };
    const last = result.then(ended, (error: unknown) => this.#checkAfter(error).then(ended));
    this.#last = last;
    return tracedBack(result);
  }

  async #send(statement: Statement): Promise<unknown> {
    if (this.#broken !== undefined) throw this.#broken.error;
    this.#stop?.throwIfAborted();
    throwIfGone(this.#lease);
    const connection = this.#lease.resource;
    if (statement.facts.mayCommit(connection.takesSeveralStatements)) this.#committedImplicitly = true;
    try {
      const result = await answerInTransaction(connection, statement.alsoStoppedBy(this.#stop));
      if (!connection.session.inTransaction) this.#committedImplicitly = true;
      return result;
    } catch (error) {
      // What stops the transaction stops its statement, too: that is one failure, with one identity.
      if (PoolError.is(error)) this.#stop?.throwIfAborted();
      throw error;
    }
  }

  /** A deadlock, among others, rolls back all of the transaction; the error alone does not say so, the next answer does. */
  async #checkAfter(error: unknown): Promise<void> {
    if (this.#committedImplicitly || this.#broken !== undefined || this.#stop?.aborted === true || !isAboutStatement(error)) return;
    const connection = this.#lease.resource;
    const { session } = connection;
    const { dirty } = session;
    const answer = answerInTransaction(connection, ownStatement('DO 0', stoppedBy(this.#stop)));
    // That is not its borrower's doing.
    session.dirty = dirty;
    try {
      await answer;
    } catch {
      this.#broken ??= { error };
    }
    if (!session.inTransaction) this.#broken ??= { error };
  }

  /** Never rejects: what cannot be undone alone is undone with all the rest. */
  async #goBackTo(savepoint: string): Promise<void> {
    if (this.#over) return;
    try {
      await this.#run(ownStatement(`ROLLBACK TO SAVEPOINT ${savepoint}`));
    } catch (error) {
      this.#broken ??= { error };
    }
  }
}

/** The answer to a statement; the loss of the connection in our own words. */
export function answerInTransaction(connection: ManagedConnection, statement: Statement): Promise<unknown> {
  return runToAnswer(connection, statement, ownFlavor);
}

/** Whether an error came of a statement that the server had, so that it may have done something to the transaction. */
function isAboutStatement(error: unknown): boolean {
  if (PoolError.is(error)) return error.code === 'POOL_QUERY_TIMEOUT' || error.code === 'POOL_ABORTED';
  return errnoOf(error) !== undefined;
}

/** @throws PoolError when the connection is not the transaction's any more */
function throwIfGone({ active, reclaimed, resource }: Lease<ManagedConnection>): void {
  if (active && resource.alive) return;
  if (reclaimed) throw takenBack('A statement of a transaction on a');
  if (resource.poolEnded) throw new PoolError('POOL_CLOSED', 'Pool is closed. What the transaction had not committed was rolled back.');
  throw new PoolError('POOL_CONNECTION_LOST', 'The connection was lost. What the transaction had not committed was rolled back.');
}
