/** The runs of a transaction, from BEGIN to COMMIT or ROLLBACK, and again after a deadlock. */

import {
  type AcquireOptions,
  invalid,
  keepShape,
  type Lease,
  messageOf,
  PoolError,
  refuseUnknownOptions,
  systemClock,
} from '../../engine/index.js';
import { checkedMilliseconds, checkedSignal, ignore, pause, waitOrAbort, within } from '../../engine/waiting/index.js';
import { isConnectionLost, isRefusedAsReadOnly, isRolledBack, leavesCommitOpen, unrunBy } from '../errors/index.js';
import type { ManagedConnection } from '../connections/index.js';
import { noteOverBudget, type RetryTally } from '../statements/index.js';
import { enclosingScope, runInScope, TransactionScope } from './self-deadlock.js';
import { answerInTransaction, Transaction } from './transaction.js';
import { markOf, ownStatement, stoppedBy, type TransactionOptions } from '../contract/index.js';
import { TransactionLimits } from '../limits/index.js';

const ISOLATION_LEVELS: readonly string[] = ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'];
const OPTION_NAMES = ['isolation', 'readOnly', 'maxRetries', 'timeout', 'signal', 'priority', 'fairnessKey', 'session'];
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
  /** The pool follows a writer that moves: a transaction that one server refuses as read-only runs on the next. */
  readonly moves: boolean;
  /** Takes one out of what the pool may run again; false when nothing is left. */
  takeRetry(): boolean;
  readonly tally: RetryTally;
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
        // Nothing can have taken effect.
        const unbegun = !attempt.begun && PoolError.is(error) && error.code === 'POOL_CONNECTION_LOST';
        const refused = host.moves && isRefusedAsReadOnly(error);
        const isFinal = !(unbegun || refused || isRolledBack(error)) || attempt.committedImplicitly || retries >= maxRetries;
        if (isFinal || limits.over) {
          if (retries > 0) tally.exhausted += 1;
          // It would be run again: what ends it is the time, as it is in the pause before the next run.
          if (!isFinal) limits.throwIfOver();
          throw error;
        }
        // It did not reach the server, or the next run waits for another server: it is no load.
        if (refused || (unbegun && unrunBy(error) !== undefined)) {
          tally.retried += 1;
          continue;
        }
        if (!host.takeRetry()) {
          tally.overBudget += 1;
          noteOverBudget(error);
          throw error;
        }
      }
      const bound = Math.min(FIRST_BACKOFF_MS * 2 ** retries, LARGEST_BACKOFF_MS);
      await pause(Math.random() * bound, { signals: [limits.signal] });
      limits.throwIfOver();
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

  /** The server has begun the transaction. */
  get begun(): boolean {
    return this.#transaction !== undefined;
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
      // A caller that gave up has the error at once. Any other finds the locks released.
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
    const { signal, priority, fairnessKey, session } = this.options;
    const mark = session === undefined ? undefined : markOf(session);
    return await this.host.acquire({
      timeout: timeout === Number.POSITIVE_INFINITY ? 0 : Math.max(timeout, 1),
      ...(signal === undefined ? {} : { signal }),
      ...(priority === undefined ? {} : { priority }),
      ...(fairnessKey === undefined ? {} : { fairnessKey }),
      ...(mark === undefined ? {} : { mark }),
    });
  }

  async #begin(connection: ManagedConnection): Promise<void> {
    const { isolation, readOnly } = this.options;
    const { signal } = this.limits;
    const run = (sql: string): Promise<unknown> => answerInTransaction(connection, ownStatement(sql, stoppedBy(signal)));
    if (isolation !== undefined) {
      const { session } = connection;
      const { dirty } = session;
      const answer = run(`SET TRANSACTION ISOLATION LEVEL ${isolation}`);
      // The level is for this transaction only: it does not stay in the session.
      session.dirty = dirty;
      await answer;
    }
    await run(readOnly === true ? 'START TRANSACTION READ ONLY' : 'START TRANSACTION');
  }

  /** Never rejects: a connection that cannot be rolled back is closed, which rolls back too. */
  async #rollBack(lease: Lease<ManagedConnection>): Promise<void> {
    const timer = systemClock.setTimer(() => lease.destroy(), this.host.patienceMs);
    try {
      // Statements that were not awaited come first: they would run outside of the transaction.
      await this.#transaction?.settled().catch(ignore);
      await answerInTransaction(lease.resource, ownStatement('ROLLBACK'));
      lease.release();
    } catch {
      lease.destroy();
    } finally {
      timer.cancel();
    }
  }

  async #commit(lease: Lease<ManagedConnection>): Promise<void> {
    try {
      await this.#awaitCommit(answerInTransaction(lease.resource, ownStatement('COMMIT')));
    } catch (error) {
      if (isOutcomeUnknown(error)) {
        lease.destroy();
        // What only read has its answers, and nothing whose outcome could be unknown.
        if (this.options.readOnly === true) return;
        throw new PoolError('POOL_COMMIT_UNKNOWN', `It is not known whether the transaction was committed: ${messageOf(error)}`, {
          cause: error,
        });
      }
      await this.#rollBack(lease);
      throw error;
    }
    lease.release();
  }

  /** A COMMIT that was sent cannot be taken back. The deadline still counts, and a caller that gives up waits a bounded time. */
  async #awaitCommit(committed: Promise<unknown>): Promise<void> {
    const { signal } = this.limits;
    if (signal === undefined) {
      await committed;
      return;
    }
    try {
      await waitOrAbort(committed, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      const patienceMs = Math.min(this.host.patienceMs, this.limits.remainingMs);
      // Node's timers may be early by a fraction of a millisecond: what is left then is awaited, too.
      await within(committed, patienceMs, () => new CommitOverdue('no answer in time.'), { hold: 'unheld' });
    }
  }
}

for (const type of [TransactionLimits, Attempt, Transaction]) keepShape(type, {});

class CommitOverdue extends Error {}

/** Whether an error of COMMIT leaves it open what became of the transaction. */
function isOutcomeUnknown(error: unknown): boolean {
  // The transaction ended with its connection.
  if (unrunBy(error) !== undefined) return false;
  if (error instanceof CommitOverdue || isConnectionLost(error)) return true;
  if (PoolError.is(error)) return error.code === 'POOL_CONNECTION_LOST';
  // A server that shuts down may have committed before it said so.
  return leavesCommitOpen(error);
}

function checked(options: TransactionOptions): TransactionOptions {
  refuseUnknownOptions(options, OPTION_NAMES);
  const { isolation, readOnly, maxRetries, timeout, signal } = options;
  if (isolation !== undefined && !ISOLATION_LEVELS.includes(isolation))
    throw invalid('isolation', isolation, `one of ${ISOLATION_LEVELS.join(', ')}`);
  if (readOnly !== undefined && typeof readOnly !== 'boolean') throw invalid('readOnly', readOnly, 'true or false');
  if (maxRetries !== undefined && !(Number.isInteger(maxRetries) && maxRetries >= 0))
    throw invalid('maxRetries', maxRetries, 'a whole number, at least 0');
  if (timeout !== undefined) checkedMilliseconds('timeout', timeout);
  checkedSignal(signal);
  return options;
}
