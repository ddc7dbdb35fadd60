/** A connection of the pool: mysql2's own, which also knows its session, bounds its statements, and fails what is under way when it is lost. */

import { isIP } from 'node:net';
import { inspect } from 'node:util';
import { keepShape } from '../../engine/index.js';
import { STALL_MS } from '../../engine/contract/index.js';
import { ignore, performance, inRootContext, thisContext } from '../../engine/waiting/index.js';
import { factsOf } from '../../sql/index.js';
import { currentDeadline } from '../../resilience/deadline/index.js';
import {
  answerIn,
  awaitsPong,
  awaitsResult,
  awaitsRow,
  bindFunctions,
  type Command,
  type ConnectionConfig,
  createQuery,
  emitApart,
  endsRows,
  EOF_PACKET,
  ERROR_PACKET,
  errorIn,
  guardCallersCode,
  guardLocalFile,
  hasFunctions,
  isQueryCommand,
  LOCAL_FILE_PACKET,
  OK_PACKET,
  type Packet,
  type QueryValues,
  ResetSession,
  SESSION_STATE_CHANGED,
  statementTextOf,
  statusOfEof,
  statusOfOk,
} from '../driver/index.js';
import {
  callersError,
  concernsOneConnection,
  type Flavor,
  isCallersError,
  isTooManyStatements,
  type ServerError,
} from '../errors/index.js';
import { type Method, Statement, type StatementLimits, statementOf } from '../contract/index.js';
import { isOutOfTime, limitCommand, limitsOfCommand, refusalOf } from '../limits/index.js';
import { askForComment, type Breakage, type StatementLog, statementsToSend } from '../observation/index.js';
import { CommandClock } from './command-clock.js';
import {
  asValueError,
  callOnce,
  connectionClosed,
  connectionLost,
  failApart,
  failCommand,
  isBeingPrepared,
  notSent,
  refusedStatement,
  serverError,
} from './ended-commands.js';
import { interrupt } from './interruption.js';
import { type DriverPoolOf, LendableConnection, type ConnectionLender } from './lendable-connection.js';
import { reportedChange } from './reported-change.js';
import { Session } from './session.js';
import { stopWhenAbandoned } from './streams.js';

/** A client's capability (MySQL internals manual, "Capability Flags"). */
const MULTI_STATEMENTS = 0x0001_0000;

/** The server refused the statement, and closes the connection for it: its caller's doing. */
const PACKET_TOO_LARGE = 1153;
/** A KILL has ended the statement, and with MySQL perhaps the connection, which says so a moment later. */
const INTERRUPTED = 1317;

/** What a connection reports to its pool, and asks of it. */
export interface ConnectionOwner extends ConnectionLender {
  /** The server answered with an error. Returns whether the connection is of no more use. */
  answered(error: ServerError, readOnlyAsked: boolean): boolean;
  /** Asks the server to stop what the connection runs; see {@link interrupt}. */
  kill(connection: ManagedConnection): Promise<void>;
  /** Sees the statements of borrowers; undefined for a connection that has none. */
  readonly log: StatementLog | undefined;
}

/** What a statement came to. */
export type ResultCallback = (error: Error | null, rows?: unknown, fields?: unknown) => void;

/** mysql2's pooled connection with what a pool in production needs of it. */
export class ManagedConnection extends LendableConnection {
  /** mysql2's promise form of this connection, made when it is first needed; see borrowed-connection.ts. */
  promiseView: object | undefined;
  /** Whether the server runs statements of its own at each login; asked when it first matters. */
  initConnect: boolean | undefined;
  /** The address that the server sees it come from; asked where a proxy or load balancer may stand in between. */
  addressAtServer: string | undefined;
  /** It may have been closed by the server a moment ago: it is asked before it has another borrower. */
  doubtful: boolean;
  readonly session: Session;
  readonly flavor: Flavor;
  readonly charsetAtLogin: number;
  readonly #owner: ConnectionOwner;
  readonly #clock: CommandClock;
  readonly #madeAt = performance.now();

  constructor(pool: DriverPoolOf, config: ConnectionConfig, flavor: Flavor, owner: ConnectionOwner) {
    super(pool, config, owner);
    this.promiseView = undefined;
    this.initConnect = undefined;
    this.addressAtServer = undefined;
    this.doubtful = false;
    this.session = new Session();
    this.flavor = flavor;
    this.charsetAtLogin = config.charsetNumber;
    this.#owner = owner;
    this.#clock = new CommandClock(owner.log, owner);
    // Sockets do not keep the process alive: waiters do, and the pool does while connections are lent.
    this.stream.unref?.();
    // Node verifies "localhost" when TLS is put on a socket that was connected to an address: it must know which address.
    if (config.ssl !== false && config.socketPath === undefined && isIP(config.host) !== 0) this.stream._host = config.host;
  }

  /** The server takes texts of several statements from it. */
  get takesSeveralStatements(): boolean {
    return (this.config.clientFlags & MULTI_STATEMENTS) !== 0;
  }

  /** A command is being answered; how long ago it was sent, in milliseconds. */
  get runningMs(): number | undefined {
    return this._command == null ? undefined : performance.now() - this.#clock.startedAt;
  }

  /** The statement that is being answered. */
  get runningStatement(): string | undefined {
    return this._command == null ? undefined : statementTextOf(this._command);
  }

  /** COM_RESET_CONNECTION. */
  override reset(callback: (error: Error | null) => void): unknown {
    return super.reset === undefined ? this.addCommand(new ResetSession(callback)) : super.reset(callback);
  }

  /** Runs a statement that was read at another door: a borrower's, also where a listener is the borrower. */
  run(statement: Statement, done: ResultCallback): Command {
    if (this.setUpByListeners !== undefined) return this.setUpByListeners.apart(() => this.#run(statement, done));
    return this.#run(statement, done);
  }

  /** The door of the callback API: what comes here may be anything. */
  override query(sql: unknown, ...parameters: unknown[]): Command {
    if (typeof sql === 'string' && !this.#isBounded) return this.#query(sql, parameters, undefined);
    let asked: Statement | Command;
    let limits: StatementLimits | undefined;
    try {
      asked = isQueryCommand(sql) ? sql : this.#statementOf('query', sql, parameters);
      limits = asked instanceof Statement ? asked.limits : limitsOfCommand(asked, this.lease !== undefined);
    } catch (error) {
      return refusedStatement(callbackIn(parameters), error);
    }
    if (asked instanceof Statement) return this.#query(asked.forDriver, parametersOf(asked, parameters), limits);
    return this.#query(asked, parameters, limits);
  }

  /** The same for prepared statements. */
  override execute(sql: unknown, ...parameters: unknown[]): Command {
    if (typeof sql === 'string' && !this.#isBounded) return this.#execute(sql, parameters, undefined);
    let statement: Statement;
    try {
      statement = this.#statementOf('execute', sql, parameters);
    } catch (error) {
      return refusedStatement(callbackIn(parameters), error);
    }
    return this.#execute(statement.forDriver, parametersOf(statement, parameters), statement.limits);
  }

  /** A text that is none would throw in the middle of mysql2's work, and the connection would never end that command. */
  override prepare(sql: unknown, callback?: unknown): unknown {
    let statement: Statement;
    try {
      statement = this.#statementOf('execute', sql, []);
    } catch (error) {
      return refusedStatement(callback, error);
    }
    return super.prepare(statement.forDriver, callback);
  }

  /** Stops a statement of this connection, see {@link interrupt}. */
  interrupt(command: Command): void {
    this.#clock.stop(command);
    interrupt(this, command, (connection) => this.#owner.kill(connection));
  }

  /** The server no longer knows this prepared statement: the next use prepares it anew. When it has too many of them, all of this connection go. */
  forgetStatement(statement: Statement | undefined, error: unknown): void {
    if (isTooManyStatements(error)) this.forgetStatements();
    else if (statement !== undefined) this.unprepare(statement.options ?? { sql: statement.sql });
  }

  /** Closes the statements that mysql2 has prepared on it, and keeps for their next use. */
  forgetStatements(): void {
    if (this.alive) this._statements.clear();
  }

  override addCommand<C extends Command>(command: C): C {
    // mysql2's constructor adds the handshake before this class has its fields.
    if (this.session === undefined) return super.addCommand(command);
    const sql = statementTextOf(command);
    const facts = sql === undefined ? undefined : factsOf(sql);
    if (sql !== undefined) {
      failApart(command);
      guardCallersCode(command, this.config);
      if (command.onResult === undefined) stopWhenAbandoned(command);
    }
    if (!this.borrowedByListener && this.setUpByListeners?.takes(command) === true) {
      if (facts !== undefined) this.session.noteStatementOfListener(facts);
    } else {
      this.session.noteCommand(command, facts);
      // A borrower has this very object, and the callbacks and listeners are the borrower's own. What waits for a promise needs nothing.
      if (this.lease !== undefined) {
        emitApart(command);
        answerIn(thisContext(), command);
      } else if (hasFunctions(command)) bindFunctions(thisContext(), command);
    }
    this.#owner.log?.commandSent(this, command, facts);
    if (statementsToSend.hasSubscribers && facts !== undefined && this.#owner.isLent()) askForComment(command, facts);
    if (!this.busy) this.#clock.start();
    return super.addCommand(command);
  }

  /** What a reader had held up is read where all is read. */
  override resume(): void {
    inRootContext(() => super.resume());
  }

  override handlePacket(packet?: Packet): void {
    // mysql2's constructor starts the handshake before this class has its fields.
    if (this.session === undefined) {
      super.handlePacket(packet);
      return;
    }
    if (this.life === 'cut off') return;
    const command = this._command;
    // Looked at now: reading a packet moves its offset.
    const isRow = packet !== undefined && command?.next === awaitsRow && !endsRows(packet);
    if (packet !== undefined && command != null) this.#observe(packet, command);
    // Its end starts the next command, which may end before this returns.
    const { startedAt } = this.#clock;
    super.handlePacket(packet);
    if (this._command === command || command == null) return;
    // mysql2 ends a statement of which a row cannot be read; the rows that follow would be taken for the next one's answer.
    if (isRow) this.#closeOutOfStep();
    this.#clock.ended(command, startedAt);
  }

  /**
   * mysql2 passes the error to commands with a callback only: a result stream would neither end nor fail. And it reports the failure of a
   * statement that is being prepared twice: once for preparing, once for executing.
   */
  override _notifyError(error: Error): void {
    if (this._fatalError === null) this.#brokeUnder(this._command, error);
    const pending = this._fatalError === null ? this.#pendingCommands() : [];
    const orphans = pending.filter((command) => command.onResult === undefined && statementTextOf(command) !== undefined);
    for (const command of pending) if (isBeingPrepared(command)) command.onResult &&= ignore;
    super._notifyError(error);
    for (const command of orphans) if (!isBeingPrepared(command)) failCommand(command, error);
  }

  /** What a command throws before anything of it was sent is its caller's, such as an option that cannot be read. */
  override _handleFatalError(error: unknown): void {
    const command = this._command;
    const isStarting = command?.next != null && command.next === command.start;
    super._handleFatalError(
      isStarting && this.#owner.isLent()
        ? callersError(error, 'The options of a statement must be readable', 'one that throws when it is read')
        : error,
    );
  }

  /** Not when this process stood still meanwhile: the pool's own limit of the opening decides, which allows for that. */
  override _handleTimeoutError(): void {
    if (performance.now() - this.#madeAt < this.config.connectTimeout + STALL_MS) super._handleTimeoutError();
  }

  override _addCommandClosedState(command: Command): void {
    const error = connectionClosed();
    if (command.onResult !== undefined) command.onResult(error);
    // The caller has had no chance yet to listen to the command.
    else process.nextTick(failCommand, command, error);
  }

  /** mysql2 calls this when the connection has ended or failed. */
  override _removeFromPool(): void {
    if (this._pool !== null) {
      // mysql2 listens once; a second error of a broken connection must not end the process.
      this.on('error', ignore);
      // As mysql2 reports it to listeners of an idle connection; by then the pool has marked it as closing, and mysql2 would be silent.
      if (this.stream.readableEnded === true && this.alive && !this.busy)
        this.stream.once('close', () => this._notifyError(connectionLost()));
    }
    this._pool = null;
    this.#owner.log?.connectionLost(this);
    const error = this._fatalError ?? this._protocolError ?? connectionLost();
    this.#brokeUnder(this._command, error);
    this.#owner.lost(error);
  }

  /** A log of a connection must not show its password. */
  [inspect.custom](): string {
    return `ManagedConnection { threadId: ${this.threadId}, alive: ${this.alive} }`;
  }

  /** A borrower who has this very object calls it within a deadline. What the pool itself asks is bounded by no caller's. */
  get #isBounded(): boolean {
    return this.lease !== undefined && currentDeadline() !== undefined;
  }

  #statementOf(method: Method, given: unknown, [values]: readonly unknown[]): Statement {
    if (given instanceof Statement) return given;
    const deadline = this.lease === undefined ? undefined : currentDeadline();
    return statementOf(method, given, typeof values === 'function' ? undefined : (values as QueryValues), deadline);
  }

  #run(statement: Statement, done: ResultCallback): Command {
    const { method, sql, values, options, limits } = statement;
    if (options !== undefined || limits !== undefined) return this[method](statement, done);
    return values === undefined ? this[method](sql, done) : this[method](sql, values, done);
  }

  #query(given: string | object, parameters: readonly unknown[], limits: StatementLimits | undefined): Command {
    const isCommand = limits !== undefined && isQueryCommand(given);
    const refusal = limits === undefined ? undefined : refusalOf(limits, this.flavor);
    if (refusal !== undefined && this.alive) return notSent(isCommand ? given : this.#commandOf(given, parameters), refusal);
    // mysql2 would set a timer of its own, which leaves the statement running.
    if (isCommand) given.timeout = undefined;
    let command: Command;
    try {
      command = super.query(given, ...parameters);
    } catch (thrown) {
      throw asValueError(thrown);
    }
    if (limits !== undefined) this.#limit(command, limits);
    return command;
  }

  #execute(given: string | object, parameters: readonly unknown[], limits: StatementLimits | undefined): Command {
    if (!this.alive) return this.#refuseExecute(given, parameters);
    const refusal = limits === undefined ? undefined : refusalOf(limits, this.flavor);
    if (refusal !== undefined) return notSent(this.#commandOf(given, parameters), refusal);
    // mysql2 reports a failure to prepare the statement to a callback, also when that has had the end of its time before.
    let command: Command;
    try {
      command = super.execute(given, ...(limits === undefined ? parameters : parameters.map(callOnce)));
    } catch (thrown) {
      throw asValueError(thrown);
    }
    if (!executeShapeIsKept) keepExecuteShape(command);
    if (limits !== undefined) this.#limit(command, limits);
    return command;
  }

  #commandOf(given: unknown, [values, callback]: readonly unknown[]): Command {
    return createQuery(given as string, values, callback as Command['onResult'], this.config);
  }

  #limit(command: Command, limits: StatementLimits): void {
    // A dead connection has refused the command already.
    if (!this.alive) return;
    limitCommand(command, limits, this.flavor, (error, stalled) => {
      if (isOutOfTime(error)) this.#statementBroke(command, error, stalled ? 'alone' : 'late');
      this.interrupt(command);
    });
  }

  #brokeUnder(command: Command | null | undefined, error: Error): void {
    if (command != null && this.life === 'open' && !isCallersError(error)) this.#statementBroke(command, error, 'lost');
  }

  /** Does nothing when the command was not sent yet. */
  #statementBroke(command: Command, error: Error, how: Breakage): void {
    if (this._command === command) this.#clock.broke(command, error, how);
  }

  /** mysql2 would report the failure twice, once for preparing and once for executing, or throw where there is no callback. */
  #refuseExecute(given: string | object, parameters: readonly unknown[]): Command {
    this.addCommand = (command) => command;
    try {
      return this.refuseCommand(super.execute(given, ...parameters));
    } finally {
      this.addCommand = this.refuseCommand;
    }
  }

  #closeOutOfStep(): void {
    const error = new Error('The rest of a result that was given up is still on its way: the connection is closed.');
    this.#owner.lost(error);
    this.terminate(error);
  }

  #observe(packet: Packet, command: Command): void {
    const marker = packet.buffer[packet.offset];
    if (marker === OK_PACKET) {
      if (command.next === awaitsResult || command.next === awaitsPong) this.#noteStatus(statusOfOk(packet), packet, command);
    } else if (marker === EOF_PACKET) {
      this.#noteStatus(statusOfEof(packet), packet, command);
    } else if (marker === ERROR_PACKET) {
      const error = errorIn(packet);
      if (error !== undefined) this.#noteError(error, command);
    } else if (marker === LOCAL_FILE_PACKET && command.next === awaitsResult) {
      guardLocalFile(command, this);
    }
  }

  #noteStatus(status: number | undefined, packet: Packet, command: Command): void {
    if (status === undefined) return;
    const change = (status & SESSION_STATE_CHANGED) === 0 ? undefined : reportedChange(packet, command);
    if (this.setUpByListeners?.has(command) === true) {
      this.session.noteStatusOfListener(status);
      this.setUpByListeners.answered(command, change === 'session' || change === 'unsaid');
      return;
    }
    this.session.noteStatus(status);
    if (change !== undefined) this.session.noteChange(change);
  }

  #noteError(error: ServerError, command: Command): void {
    if (this.#owner.isLent()) this.#owner.log?.statementFailed(error);
    if (error.errno === INTERRUPTED && !this.#clock.wasStopped(command)) this.doubtful = true;
    if (this.#owner.answered(error, this.session.readOnlyAsked) && error.errno !== PACKET_TOO_LARGE)
      this.#statementBroke(command, serverError(error), concernsOneConnection(error) ? 'alone' : 'lost');
    this.session.noteError();
  }

  #pendingCommands(): Command[] {
    const commands: (Command | null | undefined)[] = [this._command];
    for (let index = 0; index < this._commands.length; index += 1) commands.push(this._commands.get(index));
    return commands.filter((command): command is Command => command != null);
  }
}

/** What follows the statement in a call of mysql2's: its values, if it has any, and the callback. */
function parametersOf({ values }: Statement, parameters: readonly unknown[]): unknown[] {
  const callback = callbackIn(parameters);
  return values === undefined ? [callback] : [values, callback];
}

function callbackIn([values, callback]: readonly unknown[]): unknown {
  return typeof values === 'function' ? values : callback;
}

let executeShapeIsKept = false;

/** mysql2 does not show the class before there is one. */
function keepExecuteShape({ constructor }: Command): void {
  executeShapeIsKept = true;
  keepShape(constructor as new () => Command, {});
}
