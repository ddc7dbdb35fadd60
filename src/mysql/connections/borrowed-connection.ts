/** What a borrower holds by promise: mysql2/promise's connection, until it is given back. */

import type { EventEmitter } from 'node:events';
import { customInspect } from '../../packages/index.js';
import { keepShape, type Lease, PoolError } from '../../engine/index.js';
import { currentDeadline } from '../../resilience/deadline/index.js';
import { type Method, type Statement, statementOnConnection, type StatementResult } from '../contract/index.js';
import {
  captureSite,
  DriverPromisePoolConnection,
  type PreparedStatement,
  type QueryValues,
  tracedBack,
  withStackOf,
} from '../driver/index.js';
import { type Flavor, isStatementCacheInvalid } from '../errors/index.js';
import type { ManagedConnection } from './managed-connection.js';
import { ConnectionWaiter } from './connection-waiter.js';

/** Methods that run a statement. */
const RUNNING_METHODS = ['query', 'execute'] as const;

/** Other methods that talk to the server: after the release they would talk on another borrower's connection. */
const TALKING_METHODS = ['prepare', 'beginTransaction', 'commit', 'rollback', 'ping', 'reset', 'changeUser'] as const;

/** Methods that do something to the connection without asking the server; after the release they do nothing. */
const HANDLING_METHODS = ['pause', 'resume', 'unprepare', 'createBinlogStream'] as const;

/** Methods that only compute. */
const COMPUTING_METHODS = ['escape', 'escapeId', 'format'] as const;

/** Events of the connection itself that mysql2's promise form passes on. */
const CONNECTION_EVENTS: ReadonlySet<string | symbol> = new Set(['error', 'drain', 'connect', 'end', 'enqueue']);

/** Methods of an event emitter that add a listener. */
const LISTENING_METHODS = ['on', 'addListener', 'once', 'prependListener', 'prependOnceListener'] as const;

type Listener = (...details: unknown[]) => void;

/**
 * A borrowed connection, as mysql2/promise has it. It is its borrower's until it is released, destroyed or lost; each borrower gets an
 * object of their own, so that a late call of one does not reach the next.
 */
export interface PoolConnection extends InstanceType<typeof DriverPromisePoolConnection> {
  /** Whether the connection is still this borrower's. */
  readonly active: boolean;
}

/**
 * Inherits from mysql2's class without running its constructor, which sets up two event emitters' worth of listeners: what a borrower needs
 * of those is made when the first listener is added.
 */
class BorrowedConnection {
  readonly #raw: ManagedConnection;
  readonly #lease: Lease<ManagedConnection>;
  /** What passes events of the connection on, by their names. */
  #forwards: Map<string | symbol, Listener> | undefined = undefined;

  constructor(lease: Lease<ManagedConnection>) {
    this.#raw = lease.resource;
    this.#lease = lease;
  }

  get active(): boolean {
    return this.#lease.active;
  }

  get config(): unknown {
    return this.#raw.config;
  }

  get threadId(): number {
    return this.#raw.threadId;
  }

  /** mysql2's promise form of the connection, for its methods to run on: they look for the connection where the borrower would. */
  get view(): object {
    this.#raw.promiseView ??= Object.create(driverPrototype, { connection: { value: this.#raw }, Promise: { value: Promise } }) as object;
    return this.#raw.promiseView;
  }

  /** mysql2's own connection. It can be released there, too. */
  get connection(): ManagedConnection {
    if (this.#lease.active) this.#raw.lendTo(this.#lease);
    return this.#raw;
  }

  /** Gives the connection back to the pool. A second call does nothing, even when another borrower has the connection by then. */
  release(): void {
    this.#leave();
    this.#lease.release();
  }

  /** Closes the connection and takes it out of the pool. After the release, only if it has had no other borrower since. */
  destroy(): void {
    this.#leave();
    if (!this.#lease.destroy()) this.#raw.destroyUnlent();
  }

  /** The same as `destroy`. */
  close(): void {
    this.destroy();
  }

  /** As mysql2's: gives the connection back; with the option `gracefulEnd`, says goodbye and leaves the pool. */
  async end(): Promise<void> {
    if (!this.#lease.active) return;
    this.#leave();
    await new Promise<void>((resolve) => {
      this.connection.end(() => resolve());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }

  [customInspect](): string {
    return `PoolConnection { threadId: ${this.#raw.threadId}, active: ${this.active} }`;
  }

  /** Runs a statement. What comes here may be anything: this is the borrower's door. */
  run(method: Method, sql: unknown, values: unknown): Promise<unknown> {
    const site = this.#raw.config.trace ? captureSite(this[method as never]) : undefined;
    const answer = this.#answer(method, sql, values);
    return site === undefined ? tracedBack(answer) : answer.catch((error: unknown) => Promise.reject(withStackOf(site, error)));
  }

  /** Calls one of mysql2's methods that talk to the server. */
  talk(method: string, call: () => Promise<unknown>): Promise<unknown> {
    const answer = this.#talk(method, call);
    // With the option, mysql2 has captured its caller's stack.
    return this.#raw.config.trace ? answer : tracedBack(answer);
  }

  async #answer(method: Method, sql: unknown, values: unknown): Promise<unknown> {
    this.refuseAfterRelease(method);
    if (typeof values === 'function') throw new Error('Callback function is not available with promise clients.');
    const statement = statementOnConnection(method, sql, values as QueryValues, currentDeadline());
    return await runToAnswer(this.#raw, statement, this.#raw.flavor);
  }

  async #talk(method: string, call: () => Promise<unknown>): Promise<unknown> {
    this.refuseAfterRelease(method);
    try {
      return await this.#raw.apart(call);
    } catch (error) {
      if (method !== 'execute' || !isStatementCacheInvalid(error)) throw this.#raw.flavor.statementFailure(error);
      this.#raw.forgetStatement(undefined, error);
      return await this.#raw.apart(call);
    }
  }

  /** @throws PoolError `POOL_RELEASED`, `POOL_CLOSED` */
  refuseAfterRelease(method: string): void {
    if (this.#lease.active) return;
    if (this.#lease.reclaimed) throw takenBack(`${method}() on a`);
    if (this.#raw.poolEnded) throw new PoolError('POOL_CLOSED', 'Pool is closed.');
    // The connection broke while it was borrowed: mysql2's own error says what happened better than ours.
    if (!this.#raw.alive) return;
    throw new PoolError('POOL_RELEASED', `${method}() after the connection was released: it may be another borrower's by now.`);
  }

  /** Passes an event of the connection on to this borrower, until it is given back. */
  passOn(this: BorrowedConnection & EventEmitter, event: string | symbol): void {
    this.#forwards ??= new Map();
    if (this.#forwards.has(event)) return;
    const forward: Listener = (...details) => void this.emit(event, ...details);
    this.#forwards.set(event, forward);
    this.#raw.on(event, forward);
  }

  #leave(): void {
    if (this.#forwards === undefined) return;
    for (const [event, forward] of this.#forwards) this.#raw.off(event, forward);
    this.#forwards = undefined;
  }
}

const driverPrototype = DriverPromisePoolConnection.prototype;
Object.setPrototypeOf(BorrowedConnection.prototype, driverPrototype);
define('Promise', Promise);
// A promise that is resolved with a connection asks whether it is a promise itself: it finds the answer here, not at the end of mysql2's chain of prototypes.
define('then', undefined);

for (const method of RUNNING_METHODS) {
  define(method, function (this: BorrowedConnection, sql: unknown, values?: unknown): Promise<unknown> {
    return this.run(method, sql, values);
  });
}

for (const method of TALKING_METHODS) {
  const original = driverPrototype[method] as (...parameters: unknown[]) => Promise<unknown>;
  define(method, function (this: BorrowedConnection, ...parameters: unknown[]): Promise<unknown> {
    const result = this.talk(method, () => original.apply(this.view, parameters));
    return method === 'prepare' ? result.then((statement) => guarded(this, statement as PreparedStatement)) : result;
  });
}

for (const method of HANDLING_METHODS) {
  const original = (driverPrototype as unknown as Record<string, (...parameters: unknown[]) => unknown>)[method];
  define(method, function (this: BorrowedConnection, ...parameters: unknown[]): unknown {
    return this.active ? original?.apply(this.view, parameters) : undefined;
  });
}

for (const method of COMPUTING_METHODS) {
  const original = driverPrototype[method] as (...parameters: unknown[]) => string;
  define(method, function (this: BorrowedConnection, ...parameters: unknown[]): string {
    return original.apply(this.view, parameters);
  });
}

for (const method of LISTENING_METHODS) {
  const original = driverPrototype[method] as (event: string | symbol, listener: Listener) => EventEmitter;
  define(method, function (this: BorrowedConnection & EventEmitter, event: string | symbol, listener: Listener): unknown {
    if (this.active && CONNECTION_EVENTS.has(event) && this.listenerCount(event) === 0) this.passOn(event);
    return original.call(this, event, listener);
  });
}

/** A prepared statement belongs to the borrower of its connection. */
function guarded(connection: BorrowedConnection, statement: PreparedStatement): PreparedStatement {
  const execute = statement.execute.bind(statement);
  statement.execute = (parameters) => connection.talk('execute', () => execute(parameters));
  return statement;
}

keepShape(BorrowedConnection, {});

function define(name: string, value: unknown): void {
  Object.defineProperty(BorrowedConnection.prototype, name, { configurable: true, writable: true, value });
}

/** @param what was done to it, as far as it is known */
export function takenBack(what: string): PoolError {
  return new PoolError(
    'POOL_RECLAIMED',
    `${what} connection that the pool has taken back: it was lent for longer than leakDetectionThreshold and not used meanwhile.`,
  );
}

/** Makes a borrower's object for a lease. */
export function borrow(lease: Lease<ManagedConnection>): PoolConnection {
  return new BorrowedConnection(lease) as unknown as PoolConnection;
}

/** The waiter behind `pool.getConnection()`. */
export class PoolConnectionWaiter extends ConnectionWaiter {
  constructor(
    private readonly resolve: (connection: PoolConnection) => void,
    private readonly reject: (error: Error) => void,
    private readonly flavor: Flavor,
  ) {
    super();
  }

  override get runsCode(): boolean {
    return false;
  }

  override receiveLease(lease: Lease<ManagedConnection>): void {
    this.resolve(borrow(lease));
  }

  override receiveFailure(error: PoolError): void {
    this.reject(this.flavor.acquireFailure(error));
  }
}

keepShape(PoolConnectionWaiter);

/**
 * Runs a statement; prepares it again when the server no longer knows it.
 *
 * @param flavor in whose words a failure is put
 */
export function runToAnswer(
  connection: ManagedConnection,
  statement: Statement,
  flavor: Pick<Flavor, 'statementFailure'>,
): Promise<StatementResult> {
  const answer = runOnce(connection, statement, flavor);
  return statement.method === 'query' ? answer : answerOfPrepared(answer, connection, statement, flavor);
}

async function answerOfPrepared(
  first: Promise<StatementResult>,
  connection: ManagedConnection,
  statement: Statement,
  flavor: Pick<Flavor, 'statementFailure'>,
): Promise<StatementResult> {
  try {
    return await first;
  } catch (error) {
    if (!isStatementCacheInvalid(error)) throw error;
    connection.forgetStatement(statement, error);
    return await runOnce(connection, statement, flavor);
  }
}

function runOnce(connection: ManagedConnection, statement: Statement, flavor: Pick<Flavor, 'statementFailure'>): Promise<StatementResult> {
  return new Promise((resolve, reject) => {
    connection.run(statement, (error, rows, fields) => {
      if (error === null) resolve([rows, fields] as StatementResult);
      else reject(flavor.statementFailure(error));
    });
  });
}
