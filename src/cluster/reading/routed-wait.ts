/** The wait of one read: for a connection of a node, for that node to come to a position, and for another node when that one is lost. */

import { type AcquireOptions, type Clock, type Lease, messageOf, PoolError } from '../../engine/index.js';
import { anySignal, inContext, thisContext, throwLater } from '../../engine/waiting/index.js';
import { ConnectionWaiter, isServerError, limitsFrom, type ManagedConnection, ownStatementWith } from '../../mysql/index.js';
import type { Position } from '../position/index.js';
import type { ReadTarget } from './read-target.js';
import type { Choice, ReadRouter, ReadWish } from './router.js';

/** Refusals that say something about one node: another may serve the read. */
const OF_ONE_NODE: ReadonlySet<string> = new Set([
  'POOL_CONNECT_FAILED',
  'POOL_CREDENTIALS_FAILED',
  'POOL_ENDPOINT_POISONED',
  'POOL_BREAKER_OPEN',
  'POOL_CLOSED',
  'POOL_DRAINING',
  'POOL_SUSPENDED',
]);

/** How much later than its bound a server may answer that a position was not reached. */
const GRACE_MS = 500;

/** One read on its way to a connection. */
export class RoutedWait {
  /** The absolute deadline, by the clock; `Infinity`: none. */
  readonly #dueAt: number;
  readonly #startedAt: number;
  readonly #excluded = new Set<ReadTarget>();

  constructor(
    private readonly router: ReadRouter,
    private readonly wish: ReadWish,
    private readonly required: Position | undefined,
    private readonly clock: Clock,
    private readonly waiter: ConnectionWaiter,
    private readonly options: AcquireOptions,
    acquireTimeout: number,
  ) {
    const { timeout = acquireTimeout } = options;
    this.#startedAt = clock.now();
    this.#dueAt = timeout === 0 ? Number.POSITIVE_INFINITY : this.#startedAt + timeout;
  }

  begin(): void {
    this.#go(this.router.choose(this.wish, this.required, this.#excluded));
  }

  #go(choice: Choice): void {
    if (choice.target === undefined) this.#goToWriter(choice.reason);
    else this.#waitFor(choice.target, choice.wait);
  }

  #goToWriter(reason: Extract<Choice, { target: undefined }>['reason']): void {
    const { router, waiter } = this;
    const refusal = router.refusal(reason);
    if (refusal !== undefined) {
      router.cluster.writer.engine.refuse(waiter, refusal);
      return;
    }
    router.counts.add(reason);
    router.cluster.writer.enqueue(waiter, this.#optionsLeft());
  }

  #waitFor(target: ReadTarget, wait: Position | undefined): void {
    const moved = new AbortController();
    const leave = (why: string): void => moved.abort(new Error(why));
    target.waiting.add(leave);
    const { signal } = this.options;
    const attempt = new Attempt(this.waiter.runsCode, this.waiter.isStatement, {
      granted: (lease) => {
        if (wait !== undefined) {
          this.#comeTo(target, wait, lease, moved.signal, leave);
          return;
        }
        target.waiting.delete(leave);
        this.router.counts.add('reader:fit');
        this.waiter.granted(lease);
      },
      refused: (error) => {
        target.waiting.delete(leave);
        this.#refused(target, error, moved.signal);
      },
    });
    const signals = signal === undefined ? moved.signal : anySignal([signal, moved.signal]);
    target.core.enqueue(attempt, { ...this.#optionsLeft(), signal: signals });
  }

  #refused(target: ReadTarget, error: PoolError, moved: AbortSignal): void {
    const isMoved = moved.aborted && this.options.signal?.aborted !== true;
    if (!isMoved && !OF_ONE_NODE.has(error.code)) {
      this.waiter.refused(error);
      return;
    }
    if (this.clock.now() >= this.#dueAt) {
      this.waiter.refused(isMoved ? lateError(messageOf(moved.reason), this.clock.now() - this.#startedAt) : error);
      return;
    }
    this.#excluded.add(target);
    this.router.counts.moved += 1;
    if (!isMoved) target.node.doubt(messageOf(error));
    this.begin();
  }

  /** Asks the node to come to the position, on the connection that the read will have. */
  #comeTo(target: ReadTarget, position: Position, lease: Lease<ManagedConnection>, moved: AbortSignal, leave: (why: string) => void): void {
    const beganAt = this.clock.now();
    const boundMs = Math.max(1, Math.min(this.router.cluster.reads.waitTimeout, this.#dueAt - beganAt));
    const { signal } = this.options;
    const stop = signal === undefined ? moved : anySignal([signal, moved]);
    const statement = ownStatementWith({ sql: statementFor(position, boundMs), rowsAsArray: true, nestTables: false, typeCast: true });
    const context = thisContext();
    const connection = lease.resource;
    const { calledRoutine, dirty } = connection.session;
    connection.run(
      statement.limitedBy(limitsFrom(Math.ceil(boundMs + GRACE_MS), stop, undefined)),
      inContext(context, (error: Error | null, rows?: unknown) => {
        target.waiting.delete(leave);
        this.router.counts.waits.record(this.clock.now() - beganAt);
        if (error === null && isReached(rows)) {
          target.reached(position);
          this.router.counts.add('reader:fit');
          this.#hand(lease);
          return;
        }
        // mysql2 reports an error before it has taken the command off the connection.
        if (error === null) lease.release();
        else process.nextTick(() => (isServerError(error) ? lease.release() : lease.destroy()));
        this.#notReached(target, error, moved);
      }),
    );
    // The question is no borrower's doing.
    connection.session.calledRoutine = calledRoutine;
    connection.session.dirty = dirty;
  }

  #notReached(target: ReadTarget, error: Error | null, moved: AbortSignal): void {
    const { signal } = this.options;
    if (signal?.aborted === true) {
      this.waiter.refused(
        new PoolError('POOL_ABORTED', 'The caller gave up while a replica was asked for a position.', { cause: signal.reason }),
      );
    } else if (this.clock.now() >= this.#dueAt) {
      const why = `${target.node.name} did not reach the position that the read must see`;
      this.waiter.refused(lateError(why, this.clock.now() - this.#startedAt));
    } else if (error === null) {
      this.#goToWriter('writer:position');
    } else {
      if (isUnknownFunction(error)) target.cannotWait = true;
      else if (!moved.aborted) target.node.doubt(messageOf(error));
      this.#excluded.add(target);
      this.router.counts.moved += 1;
      this.begin();
    }
  }

  /** As the engine does: who throws where it gets its connection loses it, and disturbs no other. */
  #hand(lease: Lease<ManagedConnection>): void {
    try {
      this.waiter.granted(lease);
    } catch (error) {
      lease.destroy();
      throwLater(error);
    }
  }

  #optionsLeft(): AcquireOptions {
    if (this.#dueAt === Number.POSITIVE_INFINITY) return { ...this.options, timeout: 0 };
    return { ...this.options, timeout: Math.max(this.#dueAt - this.clock.now(), 1) };
  }
}

/** What an attempt ends with. */
interface Outcome {
  granted(lease: Lease<ManagedConnection>): void;
  refused(error: PoolError): void;
}

/** The wait for a connection of one node. */
class Attempt extends ConnectionWaiter {
  constructor(
    private readonly runs: boolean,
    private readonly forStatement: boolean,
    private readonly outcome: Outcome,
  ) {
    super();
  }

  /** What comes next may be another wait. */
  override get runsCode(): boolean {
    return this.runs;
  }

  override get isStatement(): boolean {
    return this.forStatement;
  }

  override receiveLease(lease: Lease<ManagedConnection>): void {
    this.outcome.granted(lease);
  }

  override receiveFailure(error: PoolError): void {
    this.outcome.refused(error);
  }
}

/** Both functions answer 0 when the position was reached in time. */
function statementFor(position: Position, boundMs: number): string {
  const seconds = (boundMs / 1000).toFixed(3);
  const name = position.kind === 'mariadb' ? 'MASTER_GTID_WAIT' : 'WAIT_FOR_EXECUTED_GTID_SET';
  // Made of what was read as GTIDs: digits, hyphens, colons and letters.
  return `SELECT ${name}('${position.asked}', ${seconds})`;
}

function isReached(rows: unknown): boolean {
  const [row] = rows as readonly (readonly unknown[])[];
  return row !== undefined && Number(row[0]) === 0 && row[0] !== null;
}

/** Not a function of this server, or not with GTIDs off (MySQL's error numbers 1305 and 3111; 1418 and others say something else). */
function isUnknownFunction(error: Error): boolean {
  const { errno } = error as { readonly errno?: number };
  return errno === 1305 || errno === 3111 || errno === 1128;
}

function lateError(why: string, waitedMs: number): PoolError {
  return new PoolError('POOL_ACQUIRE_TIMEOUT', `No connection within ${Math.round(waitedMs)} ms: ${why}.`, { reason: 'unreachable' });
}
