import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type AcquireOptions,
  invalid,
  isAbortSignal,
  type Lease,
  messageOf,
  onAbort,
  PoolError,
  type Priority,
  refuseUnknownOptions,
} from '../engine/index.js';
import { tracedBack } from './callers-stack.js';
import type { ExecuteValues, FieldPacket, QueryResult, QueryValues } from './driver.js';
import { isConnectionLost, isStatementCacheInvalid, statementFailure } from './failure.js';
import type { ManagedConnection } from './managed-connection.js';
import { noteOverBudget, type RetryTally } from './retry-tally.js';
import { enclosingScope, runInScope, TransactionScope } from './self-deadlock.js';
import { commitsImplicitly } from './session.js';
import type { StatementOptions } from './statement.js';
import { copyOf } from './statement-limits.js';
import { errnoOf, isRolledBack } from './transaction-errors.js';
import { TransactionLimits } from './transaction-limits.js';
import { dueStatement } from './work-deadline.js';

/** Of a transaction, in the words of SQL. */
export type IsolationLevel = 'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';

/** What `pool.transaction()` takes beside the work. */
export interface TransactionOptions {
  /** Default: the server's. */
  readonly isolation?: IsolationLevel;
  /** The server refuses writes. Default: false. */
  readonly readOnly?: boolean;
  /** How often the whole function is run again after a deadlock, a lock wait timeout, or one of TiDB's retryable errors. Default: 3. */
  readonly maxRetries?: number;
  /** How long all of it may take, with retries and the wait for a connection, in milliseconds; 0 = for ever. Default: 0. */
  readonly timeout?: number;
  /** Rolls back when it aborts; a statement that is running is killed on the server. Once COMMIT was sent, its outcome is awaited. */
  readonly signal?: AbortSignal;
  /** In a pool with `scheduling: 'fair'`: how urgent it is to get a connection. Default: 'normal'. */
  readonly priority?: Priority;
  /** In a pool with `scheduling: 'fair'`: on whose behalf, for example a tenant. */
  readonly fairnessKey?: string;
}

const ISOLATION_LEVELS: readonly string[] = ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'];
const OPTION_NAMES = ['isolation', 'readOnly', 'maxRetries', 'timeout', 'signal', 'priority', 'fairnessKey'];
const DEFAULT_RETRIES = 3;

/** Full jitter between zero and a bound that doubles (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015). */
const FIRST_BACKOFF_MS = 10;
const LARGEST_BACKOFF_MS = 1_000;

/** What transactions need of their pool. */
export interface TransactionHost {
  acquire(options: AcquireOptions): Promise<Lease<ManagedConnection>>;
  readonly acquireTimeout: number;
  /** How long a rollback, and a COMMIT whose caller has given up, may take in milliseconds. */
  readonly patienceMs: number;
  /** The pool that connections come from. */
  readonly pool: unknown;
  /** Takes one out of what the pool may run again; false when nothing is left. */
  takeRetry(): boolean;
  readonly tally: RetryTally;
}

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
    return this.#take('query', sql, values) as Promise<[T, FieldPacket[]]>;
  }

  /** As `pool.execute`, in this transaction. */
  execute<T extends QueryResult>(sql: string | StatementOptions, values?: ExecuteValues): Promise<[T, FieldPacket[]]> {
    return this.#take('execute', sql, values as QueryValues) as Promise<[T, FieldPacket[]]>;
  }

  /**
   * A transaction within this one: what `work` did is undone when it throws, and this transaction goes on. One at a time.
   *
   * @throws what `work` throws; PoolError `POOL_TRANSACTION_OVERLAP` while another one is under way that this call is not inside of
   */
  async transaction<T>(work: (tx: this) => Promise<T>): Promise<T> {
    this.#refuseOverlap('transaction');
    this.#savepoints += 1;
    const nested: Nested = { savepoint: `poolwright_${this.#savepoints}`, outer: nesting.getStore() };
    this.#nested.push(nested);
    try {
      await this.#run('query', `SAVEPOINT ${nested.savepoint}`);
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

  /** @internal Resolves when every statement has ended, also those that nobody awaits; rejects when the transaction cannot be committed. */
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
      await this.#run('query', `RELEASE SAVEPOINT ${nested.savepoint}`);
      return result;
    } catch (error) {
      await this.#goBackTo(nested.savepoint);
      throw error;
    }
  }

  /** A statement of the caller's. */
  async #take(method: 'query' | 'execute', sql: string | StatementOptions, values?: QueryValues): Promise<unknown> {
    this.#refuseOverlap(method);
    return await this.#run(method, sql, values);
  }

  /** What somebody else does between the savepoint of a nested transaction and its end would be undone with it, without their knowing. */
  #refuseOverlap(method: string): void {
    const innermost = this.#nested[this.#nested.length - 1];
    if (innermost === undefined) return;
    for (let around = nesting.getStore(); around !== undefined; around = around.outer) if (around === innermost) return;
    const message = `${method}() while a nested transaction is under way that this call is not inside of: it would be undone with it. Await the nested one first.`;
    throw new PoolError('POOL_TRANSACTION_OVERLAP', message);
  }

  /** One after the other: what the server has behind a deadlock already, it would run outside of the transaction, and keep. */
  #run(method: 'query' | 'execute', sql: string | StatementOptions, values?: QueryValues): Promise<unknown> {
    if (this.#over) return Promise.reject(new PoolError('POOL_RELEASED', `${method}() after the transaction was over.`));
    const send = (): Promise<unknown> => this.#send(method, sql, values);
    const result = this.#last === undefined ? send() : this.#last.then(send);
    const last = result
      .then(ignore, (error: unknown) => this.#look(error))
      .then(() => {
        if (this.#last === last) this.#last = undefined;
      });
    this.#last = last;
    return tracedBack(result);
  }

  async #send(method: 'query' | 'execute', given: string | StatementOptions, values: QueryValues | undefined): Promise<unknown> {
    if (this.#broken !== undefined) throw this.#broken.error;
    this.#stop?.throwIfAborted();
    throwIfGone(this.#lease);
    const statement = dueStatement(given);
    const connection = this.#lease.resource;
    if (commitsImplicitly(textOf(statement), connection.takesSeveralStatements)) this.#committedImplicitly = true;
    const result = await this.#untilStopped(send(connection, method, this.#limited(statement), values));
    if (!connection.session.inTransaction) this.#committedImplicitly = true;
    return result;
  }

  /** A deadlock, among others, rolls back all of the transaction; the error alone does not say so, the next answer does. */
  async #look(error: unknown): Promise<void> {
    if (this.#committedImplicitly || this.#broken !== undefined || this.#stop?.aborted === true || !isAboutStatement(error)) return;
    const connection = this.#lease.resource;
    const { session } = connection;
    const { dirty } = session;
    const answer = send(connection, 'query', this.#limited('DO 0'));
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
      await this.#run('query', `ROLLBACK TO SAVEPOINT ${savepoint}`);
    } catch (error) {
      this.#broken ??= { error };
    }
  }

  /** What stops the transaction stops its statement, too: that is one failure, with one identity. */
  async #untilStopped(answer: Promise<unknown>): Promise<unknown> {
    try {
      return await answer;
    } catch (error) {
      if (PoolError.is(error)) this.#stop?.throwIfAborted();
      throw error;
    }
  }

  #limited(statement: string | StatementOptions): string | StatementOptions {
    if (this.#stop === undefined) return statement;
    if (typeof statement === 'string') return { sql: statement, signal: this.#stop };
    const { signal } = statement;
    return copyOf(statement, { signal: signal === undefined ? this.#stop : AbortSignal.any([signal, this.#stop]) });
  }
}

/**
 * Runs `work` in a transaction and commits it; rolls back when it throws.
 *
 * @throws what `work` throws; an acquire error; PoolError `POOL_QUERY_TIMEOUT`, `POOL_ABORTED`, `POOL_CONNECTION_LOST`, and
 *   `POOL_COMMIT_UNKNOWN` when the connection was lost, or the time was up, while COMMIT was under way
 */
export async function runTransaction<T>(
  host: TransactionHost,
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const { maxRetries = DEFAULT_RETRIES } = checked(options);
  const limits = new TransactionLimits(options);
  const { tally } = host;
  try {
    for (let retries = 0; ; retries += 1) {
      const attempt = new Attempt(host, options, limits);
      try {
        const result = await attempt.run(work);
        if (retries > 0) tally.recovered += 1;
        return result;
      } catch (error) {
        const isFinal = !isRolledBack(error) || attempt.committedImplicitly || retries >= maxRetries;
        if (isFinal || limits.over) {
          if (retries > 0) tally.exhausted += 1;
          // It would be run again: what ends it is the time, as it is in the pause before the next run.
          if (!isFinal) limits.throwIfOver();
          throw error;
        }
        if (!host.takeRetry()) {
          tally.overBudget += 1;
          noteOverBudget(error);
          throw error;
        }
      }
      await limits.race(delay(Math.random() * Math.min(FIRST_BACKOFF_MS * 2 ** retries, LARGEST_BACKOFF_MS)));
      tally.retried += 1;
    }
  } finally {
    limits.end();
  }
}

/** One run of the function, on one connection. */
class Attempt {
  readonly #scope: TransactionScope;
  #transaction: Transaction | undefined = undefined;

  constructor(
    private readonly host: TransactionHost,
    private readonly options: TransactionOptions,
    private readonly limits: TransactionLimits,
  ) {
    this.#scope = new TransactionScope(host.pool, enclosingScope());
  }

  get committedImplicitly(): boolean {
    return this.#transaction?.committedImplicitly === true;
  }

  async run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const lease = await this.#acquire();
    this.#scope.lease = lease;
    let result: T;
    try {
      await this.limits.race(this.#begin(lease.resource));
      const transaction = new Transaction(lease, this.limits.signal);
      this.#transaction = transaction;
      result = await this.limits.race(runInScope(this.#scope, async () => await work(transaction)));
      this.#close();
      await this.limits.race(transaction.settled());
      this.limits.throwIfOver();
    } catch (error) {
      this.#close();
      const rolledBack = this.#rollBack(lease);
      // Whoever gave up is told at once; anybody else finds the locks released.
      if (!this.limits.over) await rolledBack;
      throw error;
    }
    await this.#commit(lease);
    return result;
  }

  #close(): void {
    this.#scope.over = true;
    this.#transaction?.close();
  }

  async #acquire(): Promise<Lease<ManagedConnection>> {
    const { acquireTimeout } = this.host;
    const timeout = Math.min(acquireTimeout > 0 ? acquireTimeout : Number.POSITIVE_INFINITY, this.limits.remainingMs);
    const { signal, priority, fairnessKey } = this.options;
    return await this.host.acquire({
      timeout: timeout === Number.POSITIVE_INFINITY ? 0 : Math.max(timeout, 1),
      ...(signal === undefined ? {} : { signal }),
      ...(priority === undefined ? {} : { priority }),
      ...(fairnessKey === undefined ? {} : { fairnessKey }),
    });
  }

  async #begin(connection: ManagedConnection): Promise<void> {
    const { isolation, readOnly } = this.options;
    const { signal } = this.limits;
    const run = (sql: string): Promise<unknown> => send(connection, 'query', signal === undefined ? sql : { sql, signal });
    const { dirty } = connection.session;
    if (isolation !== undefined) await run(`SET TRANSACTION ISOLATION LEVEL ${isolation}`);
    await run(readOnly === true ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION');
    // The level was for this transaction only: nothing of it stays in the session.
    connection.session.dirty = dirty;
  }

  /** Never rejects: a connection that cannot be rolled back is closed, which rolls back too. */
  async #rollBack(lease: Lease<ManagedConnection>): Promise<void> {
    const timer = setTimeout(() => lease.destroy(), this.host.patienceMs);
    try {
      // Statements that nobody awaits come first: they would run outside of the transaction.
      await this.#transaction?.settled().catch(ignore);
      await send(lease.resource, 'query', 'ROLLBACK');
      lease.release();
    } catch {
      lease.destroy();
    } finally {
      clearTimeout(timer);
    }
  }

  async #commit(lease: Lease<ManagedConnection>): Promise<void> {
    try {
      await this.#awaitCommit(send(lease.resource, 'query', 'COMMIT'));
    } catch (error) {
      if (isOutcomeUnknown(error)) {
        lease.destroy();
        throw new PoolError('POOL_COMMIT_UNKNOWN', `Whether the transaction was committed is not known: ${messageOf(error)}`, {
          cause: error,
        });
      }
      await this.#rollBack(lease);
      throw error;
    }
    lease.release();
  }

  /** Once COMMIT was sent nobody can take it back: the deadline still counts, and a caller who gives up is kept waiting only so long. */
  async #awaitCommit(committed: Promise<unknown>): Promise<void> {
    const { signal } = this.limits;
    if (signal === undefined) {
      await committed;
      return;
    }
    const overdue = new Promise<never>((_, reject) => {
      const fail = (): void => reject(new CommitOverdue('no answer in time.'));
      // Node's timers may be early by a fraction of a millisecond: what is left then is awaited, too.
      const giveUp = (): void => void setTimeout(fail, Math.min(this.host.patienceMs, this.limits.remainingMs)).unref();
      if (signal.aborted) giveUp();
      else onAbort(signal, giveUp);
    });
    overdue.catch(ignore);
    committed.catch(ignore);
    await Promise.race([committed, overdue]);
  }
}

class CommitOverdue extends Error {}

/** A server that shuts down may have committed before it said so. */
const SHUTDOWN_IN_PROGRESS = 1053;

/** Whether an error of COMMIT leaves it open what became of the transaction. */
function isOutcomeUnknown(error: unknown): boolean {
  if (error instanceof CommitOverdue || isConnectionLost(error)) return true;
  if (PoolError.is(error)) return error.code === 'POOL_CONNECTION_LOST';
  return errnoOf(error) === SHUTDOWN_IN_PROGRESS;
}

/** Whether an error came of a statement that the server had, so that it may have done something to the transaction. */
function isAboutStatement(error: unknown): boolean {
  if (PoolError.is(error)) return error.code === 'POOL_QUERY_TIMEOUT' || error.code === 'POOL_ABORTED';
  return errnoOf(error) !== undefined;
}

/** @throws PoolError when the connection is not the transaction's any more */
function throwIfGone({ active, resource }: Lease<ManagedConnection>): void {
  if (active && resource.alive) return;
  if (resource.poolEnded) throw new PoolError('POOL_CLOSED', 'Pool is closed. What the transaction had not committed was rolled back.');
  throw new PoolError('POOL_CONNECTION_LOST', 'The connection was lost. What the transaction had not committed was rolled back.');
}

/** A text alone goes to the driver as it is: of an object it makes a copy, which costs it more than the rest of its work. */
async function send(
  connection: ManagedConnection,
  method: 'query' | 'execute',
  statement: string | StatementOptions,
  values?: QueryValues,
): Promise<unknown> {
  try {
    return await sendOnce(connection, method, statement, values);
  } catch (error) {
    if (method === 'query' || !isStatementCacheInvalid(error)) throw error;
    connection.forgetStatement(statement, error);
    return await sendOnce(connection, method, statement, values);
  }
}

function sendOnce(
  connection: ManagedConnection,
  method: 'query' | 'execute',
  statement: string | StatementOptions,
  values: QueryValues | undefined,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, rows?: unknown, fields?: unknown): void => {
      if (error === null) resolve([rows, fields]);
      else reject(statementFailure(error));
    };
    if (values === undefined) connection[method](statement, done);
    else connection[method](statement, values, done);
  });
}

/** What mysql2 refuses has none. */
function textOf(statement: string | StatementOptions): string {
  return typeof statement === 'string' ? statement : statement.sql;
}

function checked(options: TransactionOptions): TransactionOptions {
  refuseUnknownOptions(options, OPTION_NAMES);
  const { isolation, readOnly, maxRetries, timeout, signal } = options;
  if (isolation !== undefined && !ISOLATION_LEVELS.includes(isolation))
    throw invalid('isolation', isolation, `one of ${ISOLATION_LEVELS.join(', ')}`);
  if (readOnly !== undefined && typeof readOnly !== 'boolean') throw invalid('readOnly', readOnly, 'true or false');
  if (maxRetries !== undefined && !(Number.isInteger(maxRetries) && maxRetries >= 0))
    throw invalid('maxRetries', maxRetries, 'a whole number, at least 0');
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0))
    throw invalid('timeout', timeout, 'a number of milliseconds, at least 0');
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', signal, 'an AbortSignal');
  return options;
}

function ignore(): void {}
