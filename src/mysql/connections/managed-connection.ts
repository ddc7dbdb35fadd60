import { isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import { inspect } from 'node:util';
import { keepShape, type Lease } from '../../engine/index.js';
import { currentDeadline } from '../../resilience/deadline/index.js';
import {
  apartFromDriver,
  awaitsResult,
  awaitsRow,
  type Command,
  type ConnectionConfig,
  createQuery,
  DriverPoolConnection,
  endsRows,
  EOF_PACKET,
  ERROR_PACKET,
  errorIn,
  firstRoom,
  growWithUse,
  isQueryCommand,
  OK_PACKET,
  type Packet,
  ResetSession,
  statementOf,
  statusOfEof,
  statusOfOk,
} from '../driver/index.js';
import { type Flavor, isTooManyStatements, type ServerError } from '../errors/index.js';
import { interrupt } from './interruption.js';
import { Session } from './session.js';
import { isOutOfTime, limitStatement, limitsOf, limitsWithin, refusalOf, type StatementLimits, withoutLimits } from '../limits/index.js';
import { stopWhenAbandoned } from './streams.js';

/** A client's capability (MySQL internals manual, "Capability Flags"). */
const MULTI_STATEMENTS = 0x0001_0000;

/** Sees each statement of a connection before it is sent, and the connection's end. */
export interface StatementObserver {
  sent(connection: ManagedConnection, command: Command): void;
  lost(connection: ManagedConnection): void;
}

/** What a connection tells its pool, and asks it. */
export interface ConnectionWatch {
  /** The connection has ended or failed: it was closed by the other side, or an error made it useless. */
  lost(error: Error): void;
  /** Whether somebody has it now. */
  isLent(): boolean;
  /** The server answered with an error. Returns whether the connection is of no more use. */
  answered(error: ServerError, readOnlyAsked: boolean): boolean;
  /** A statement of a borrower has ended. `broke`: this was told before. */
  statementEnded(durationMs: number, sql: string, now: number, broke: boolean): void;
  /** A statement of a borrower has lost its connection, or its time was up while the server had it. */
  statementBroke(error: Error, durationMs: number, now: number): void;
  /** A statement was stopped whose caller did not wait for its end. */
  statementStopped(durationMs: number, sql: string): void;
  /** Asks the server to stop what the connection runs; see {@link interrupt}. */
  kill(connection: ManagedConnection): Promise<void>;
  /** Sees what is written, for the cache; undefined without one. */
  readonly writes: StatementObserver | undefined;
}

/**
 * A connection of the pool: mysql2's own, which also knows what state its session is in, fails what is under way when it is lost,
 * and goes back to its pool.
 */
export class ManagedConnection extends DriverPoolConnection {
  /** Whoever has borrowed this very object, as callers of the callback API do. A lease that is over says nothing. */
  lease: Lease<ManagedConnection> | undefined;
  /** It was handed to somebody who will be told on the next tick: whoever had it before has no say any more. */
  promised: boolean;
  /** mysql2's promise form of this connection, made when it is first needed; see pool-connection.ts. */
  promiseView: object | undefined;
  /** Whether the server runs statements of its own at each login; asked when it first matters. */
  initConnect: boolean | undefined;
  /** The address that the server sees it come from; asked where a proxy or load balancer may stand in between. */
  addressAtServer: string | undefined;
  readonly session: Session;
  readonly flavor: Flavor;
  readonly charsetAtLogin: number;
  readonly #watch: ConnectionWatch;
  readonly #pool: { readonly _closed: boolean };
  #startedAt = 0;
  /** What was last asked to be stopped: its caller is told at once, and has given the connection back when it ends. */
  #stopped: Command | undefined = undefined;
  /** What takes the place of `addCommand` on a connection that is closed. */
  readonly #refuse = <C extends Command>(command: C): C => {
    this._addCommandClosedState(command);
    return command;
  };
  /** Cut off: what still arrives is nobody's. */
  #terminated = false;
  /** It is cut off by this side: what fails by that says nothing about the server. */
  #cuttingOff = false;
  /** The last command that was reported as broken. */
  #broken: Command | undefined = undefined;

  constructor(pool: { readonly _closed: boolean }, config: ConnectionConfig, flavor: Flavor, watch: ConnectionWatch) {
    const { maxPreparedStatements } = config;
    config.maxPreparedStatements = firstRoom(maxPreparedStatements);
    super(pool, { config });
    config.maxPreparedStatements = maxPreparedStatements;
    growWithUse(this._statements, maxPreparedStatements);
    this.lease = undefined;
    this.promised = false;
    this.promiseView = undefined;
    this.initConnect = undefined;
    this.addressAtServer = undefined;
    this.session = new Session();
    this.flavor = flavor;
    this.charsetAtLogin = config.charsetNumber;
    this.#watch = watch;
    this.#pool = pool;
    // Sockets do not keep the process alive: those who wait do, and the pool does while connections are lent.
    this.stream.unref?.();
    // Node verifies "localhost" when TLS is put on a socket that was connected to an address: tell it which address.
    if (config.ssl !== false && config.socketPath === undefined && isIP(config.host) !== 0) this.stream._host = config.host;
  }

  /** Its pool was closed, or is being drained. */
  get poolEnded(): boolean {
    return this.#pool._closed;
  }

  /** Whether commands are waiting for an answer. */
  get busy(): boolean {
    return this._command != null || this._commands.length > 0;
  }

  /** The connection works as far as this side can tell. */
  get alive(): boolean {
    return this._fatalError === null && this._protocolError === null && this._closing !== true && !this.stream.destroyed;
  }

  /** The server takes texts of several statements from it. */
  get takesSeveralStatements(): boolean {
    return (this.config.clientFlags & MULTI_STATEMENTS) !== 0;
  }

  /** A command is being answered; how long ago it was sent, in milliseconds. */
  get runningMs(): number | undefined {
    return this._command == null ? undefined : performance.now() - this.#startedAt;
  }

  /** The statement that is being answered. */
  get runningStatement(): string | undefined {
    return this._command == null ? undefined : statementOf(this._command);
  }

  /** Gives the connection back to its pool. A second call does nothing. */
  override release(): void {
    if (this._released || this.lease === undefined) return;
    this._released = true;
    const { lease } = this;
    this.lease = undefined;
    lease.release();
  }

  /** Closes the connection and takes it out of the pool. Does nothing while it is somebody else's. */
  override destroy(): void {
    const { lease } = this;
    this.lease = undefined;
    this._released = true;
    if (lease?.destroy() !== true) this.destroyUnlent();
  }

  /** Closes the connection and takes it out of the pool, unless somebody has it. */
  destroyUnlent(): void {
    if (this.promised || this.#watch.isLent()) return;
    // In the pool, or in none: the pool must not lend it in the moment before it hears of the end.
    this.#watch.lost(new Error('The connection was destroyed while it was in the pool.'));
    this.terminate();
  }

  /** As mysql2's: gives a connection back, with a warning; with the option `gracefulEnd`, says goodbye and leaves the pool. */
  override end(callback?: (error?: Error) => void): unknown {
    if (!this.config.gracefulEnd) return super.end(callback);
    const { lease } = this;
    this.lease = undefined;
    this._released = true;
    if (callback !== undefined) {
      // Somebody waits for the goodbye, and the connection is lent to nobody any more: the process must stay for it.
      this.stream.ref?.();
      this.stream.once('close', () => callback());
    }
    lease?.evict();
    if (lease?.release() !== true && !this.#watch.isLent()) void this.quit();
    return undefined;
  }

  /** Hands the connection to a borrower, who may now release it. */
  lendTo(lease: Lease<ManagedConnection>): void {
    this.lease = lease;
    this.promised = false;
    this._released = false;
  }

  /** Says goodbye to the server, after what was sent before; resolves when the connection is gone. */
  quit(): Promise<void> {
    return new Promise((resolve) => {
      if (this.stream.destroyed) {
        resolve();
        return;
      }
      this.stream.once('close', resolve);
      if (this.alive) this._realEnd();
      else this.stream.destroy();
    });
  }

  /** Cuts the connection off. Whatever is under way on it fails. */
  terminate(reason?: Error): void {
    this.#cuttingOff = true;
    if (this.busy && this._fatalError === null) this._notifyError(reason ?? connectionLost());
    this.#terminated = true;
    this._closing = true;
    this.addCommand = this.#refuse;
    this.stream.destroy();
  }

  /** COM_RESET_CONNECTION. */
  override reset(callback: (error: Error | null) => void): unknown {
    return super.reset === undefined ? this.addCommand(new ResetSession(callback)) : super.reset(callback);
  }

  /** Sends a command and waits for its answer. */
  send(start: (done: (error: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())));
  }

  override query(sql: unknown, ...rest: unknown[]): Command {
    const limits = this.#limitsOf(sql);
    const refusal = limits === undefined ? undefined : refusalOf(limits, this.flavor);
    if (refusal !== undefined && this.alive) return notSent(isQueryCommand(sql) ? sql : this.#commandOf(sql, rest), refusal);
    const command = super.query(limits === undefined ? sql : withoutLimits(sql as string | object), ...rest);
    if (command.onResult === undefined) stopWhenAbandoned(command);
    if (limits !== undefined) this.#limit(command, limits);
    return command;
  }

  override execute(sql: unknown, ...rest: unknown[]): Command {
    if (!this.alive) return this.#refuseExecute(sql, rest);
    const limits = this.#limitsOf(sql);
    if (limits === undefined) {
      const command = super.execute(sql, ...rest);
      if (!executeShapeIsKept) keepExecuteShape(command);
      if (command.onResult === undefined) stopWhenAbandoned(command);
      return command;
    }
    const refusal = refusalOf(limits, this.flavor);
    if (refusal !== undefined) return notSent(this.#commandOf(sql, rest), refusal);
    // mysql2 tells a callback of a failure to prepare the statement, also when it was told of the end of its time before.
    const command = super.execute(withoutLimits(sql as string | object), ...rest.map(callOnce));
    if (command.onResult === undefined) stopWhenAbandoned(command);
    this.#limit(command, limits);
    return command;
  }

  /** Stops a statement of this connection, see {@link interrupt}. */
  interrupt(command: Command): void {
    this.#stopped = command;
    interrupt(this, command, (connection) => this.#watch.kill(connection));
  }

  /** The server no longer knows this prepared statement: the next use prepares it anew. When it has too many of them, all of this connection go. */
  forgetStatement(sql: unknown, error: unknown): void {
    if (isTooManyStatements(error)) this.forgetStatements();
    else this.unprepare(typeof sql === 'object' ? sql : { sql });
  }

  /** Closes the statements that mysql2 has prepared on it, and keeps for their next use. */
  forgetStatements(): void {
    if (this.alive) this._statements.clear();
  }

  override addCommand<C extends Command>(command: C): C {
    // mysql2's constructor adds the handshake before this class has its fields.
    if (this.session === undefined) return super.addCommand(command);
    this.session.noteCommand(command);
    // Somebody has this very object, and their callbacks are their own.
    if (this.lease !== undefined && command.onResult !== undefined) command.onResult = apartFromDriver(command.onResult);
    this.#watch.writes?.sent(this, command);
    if (!this.busy) this.#startedAt = performance.now();
    return super.addCommand(command);
  }

  override handlePacket(packet?: Packet): void {
    // mysql2's constructor starts the handshake before this class has its fields.
    if (this.session === undefined) {
      super.handlePacket(packet);
      return;
    }
    if (this.#terminated) return;
    const command = this._command;
    // Looked at now: reading a packet moves its offset.
    const isRow = packet !== undefined && command?.next === awaitsRow && !endsRows(packet);
    if (packet !== undefined && command != null) this.#observe(packet, command);
    // Its end starts the next command, which may end before this returns.
    const startedAt = this.#startedAt;
    super.handlePacket(packet);
    if (this._command === command || command == null) return;
    // mysql2 ends a statement whose typeCast throws; the rows that follow would be taken for the next one's answer.
    if (isRow) this.#outOfStep();
    this.#ended(command, startedAt);
  }

  /**
   * mysql2 passes the error to commands with a callback only: a result stream would neither end nor fail. And it tells of a statement that is
   * being prepared twice: once for preparing, once for executing.
   */
  override _notifyError(error: Error): void {
    if (this._fatalError === null) this.#brokeUnder(this._command, error);
    const pending = this._fatalError === null ? this.#pendingCommands() : [];
    const orphans = pending.filter((command) => command.onResult === undefined && statementOf(command) !== undefined);
    for (const command of pending) if (isBeingPrepared(command)) command.onResult &&= ignore;
    super._notifyError(error);
    for (const command of orphans) if (!isBeingPrepared(command)) fail(command, error);
  }

  override _addCommandClosedState(command: Command): void {
    const error = Object.assign(new Error("Can't add new command when connection is in closed state"), {
      code: 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
      fatal: true,
    });
    if (command.onResult !== undefined) command.onResult(error);
    // The caller has had no chance yet to listen to the command.
    else process.nextTick(fail, command, error);
  }

  /** mysql2 calls this when the connection has ended or failed. */
  override _removeFromPool(): void {
    if (this._pool !== null) {
      // mysql2 listens once; a second error of a broken connection must not end the process.
      this.on('error', ignore);
      // As mysql2 tells those who listen to an idle connection; by then the pool has marked it as closing, and mysql2 would say nothing.
      if (this.stream.readableEnded === true && this.alive && !this.busy)
        this.stream.once('close', () => this._notifyError(connectionLost()));
    }
    this._pool = null;
    this.#watch.writes?.lost(this);
    const error = this._fatalError ?? this._protocolError ?? connectionLost();
    this.#brokeUnder(this._command, error);
    this.#watch.lost(error);
  }

  /** Whoever logs a connection must not log its password. */
  [inspect.custom](): string {
    return `ManagedConnection { threadId: ${this.threadId}, alive: ${this.alive} }`;
  }

  /** Whoever has this very object, as callers of the callback API do, calls it within their own deadline; anybody else says so. */
  #limitsOf(sql: unknown): StatementLimits | undefined {
    const limits = limitsOf(sql);
    const deadline = this.lease === undefined ? undefined : currentDeadline();
    return deadline === undefined ? limits : limitsWithin(limits, deadline);
  }

  #commandOf(sql: unknown, [values, callback]: readonly unknown[]): Command {
    return createQuery(sql as string, values, callback as Command['onResult'], this.config);
  }

  #limit(command: Command, limits: StatementLimits): void {
    // A dead connection has refused the command already.
    if (!this.alive) return;
    limitStatement(command, limits, this.flavor, (error) => {
      if (isOutOfTime(error)) this.#statementBroke(command, error);
      this.interrupt(command);
    });
  }

  #brokeUnder(command: Command | null | undefined, error: Error): void {
    if (command != null && !this.#cuttingOff) this.#statementBroke(command, error);
  }

  /** Does nothing when the command was not sent yet, and when it is none of a borrower's. */
  #statementBroke(command: Command, error: Error): void {
    if (this._command !== command || statementOf(command) === undefined || !this.#watch.isLent()) return;
    const now = performance.now();
    this.#broken = command;
    this.#watch.statementBroke(error, now - this.#startedAt, now);
  }

  /** mysql2 would tell of the failure twice, once for preparing and once for executing, or throw where there is no callback. */
  #refuseExecute(sql: unknown, rest: unknown[]): Command {
    const refuse = this.#refuse;
    this.addCommand = (command) => command;
    try {
      const command = super.execute(sql, ...rest);
      return refuse(command);
    } finally {
      this.addCommand = refuse;
    }
  }

  #outOfStep(): void {
    const error = new Error('The rest of a result that was given up is still on its way: the connection is closed.');
    this.#watch.lost(error);
    this.terminate(error);
  }

  #observe(packet: Packet, command: Command): void {
    const marker = packet.buffer[packet.offset];
    if (marker === OK_PACKET) {
      if (command.next === awaitsResult) this.#noteStatus(statusOfOk(packet));
    } else if (marker === EOF_PACKET) {
      this.#noteStatus(statusOfEof(packet));
    } else if (marker === ERROR_PACKET) {
      const error = errorIn(packet);
      if (error !== undefined && this.#watch.answered(error, this.session.readOnlyAsked)) this.#statementBroke(command, asError(error));
    }
  }

  #noteStatus(status: number | undefined): void {
    if (status !== undefined) this.session.noteStatus(status);
  }

  #ended(command: Command, startedAt: number): void {
    const now = performance.now();
    // What the pool itself asks between two leases does not count.
    const sql = statementOf(command);
    if (sql !== undefined) {
      if (this.#watch.isLent()) this.#watch.statementEnded(now - startedAt, sql, now, command === this.#broken);
      else if (this.#stopped === command) this.#watch.statementStopped(now - startedAt, sql);
    }
    this.#startedAt = now;
  }

  #pendingCommands(): Command[] {
    const commands: (Command | null | undefined)[] = [this._command];
    for (let index = 0; index < this._commands.length; index += 1) commands.push(this._commands.get(index));
    return commands.filter((command): command is Command => command != null);
  }
}

/** A command that ends with an error, and never comes to any connection. Its caller must have it before it is told so. */
function notSent(command: Command, error: Error): Command {
  process.nextTick(() => {
    try {
      if (command.onResult !== undefined) command.onResult(error);
      else if (command.listenerCount('error') > 0) command.emit('error', error);
    } finally {
      command.emit('end');
    }
  });
  return command;
}

let executeShapeIsKept = false;

/** mysql2 does not show the class before there is one. */
function keepExecuteShape({ constructor }: Command): void {
  executeShapeIsKept = true;
  keepShape(constructor as new () => Command, {});
}

/** An Execute whose Prepare is ahead of it, and tells of the failure of both. */
function isBeingPrepared(command: Command): boolean {
  return 'statement' in command && command.statement === undefined;
}

function ignore(): void {}

/** A callback that does nothing when it is called again; anything else as it is. */
function callOnce(parameter: unknown): unknown {
  if (typeof parameter !== 'function') return parameter;
  let called = false;
  return (...result: unknown[]): void => {
    if (called) return;
    called = true;
    Reflect.apply(parameter, undefined, result);
  };
}

function fail(command: Command, error: Error): void {
  if (command.listenerCount('error') > 0) command.emit('error', error);
  command.emit('end');
}

/** The same words and code as mysql2's. */
function connectionLost(): Error {
  return Object.assign(new Error('Connection lost: The server closed the connection.'), { code: 'PROTOCOL_CONNECTION_LOST', fatal: true });
}

function asError({ message, errno, sqlState }: ServerError): Error {
  return Object.assign(new Error(message), { errno, sqlState });
}
