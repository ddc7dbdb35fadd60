/** A connection of the pool: mysql2's own, whose statements are read at its doors and bounded by their limits. */

import { customInspect, nodeNet } from '../../packages/index.js';
import { keepShape } from '../../engine/index.js';
import { currentDeadline } from '../../resilience/deadline/index.js';
import { type Command, type ConnectionConfig, createQuery, isQueryCommand, type QueryValues, ResetSession } from '../driver/index.js';
import { factsOf, type StatementFacts } from '../../sql/index.js';
import { type Flavor, isTooManyStatements } from '../errors/index.js';
import { type Method, type SessionMark, Statement, type StatementLimits, statementOnConnection } from '../contract/index.js';
import { isOutOfTime, limitCommand, limitsOfCommand, refusalOf } from '../limits/index.js';
import { givenTexts, isOneValue, withGivenText } from '../observation/index.js';
import { asValueError, callOnce, notSent, refusedStatement } from '../commands/index.js';
import { type DriverPoolOf } from './lendable-connection.js';
import { type ConnectionOwner, ObservedConnection } from './observed-connection.js';

/** What a statement came to. */
export type ResultCallback = (error: Error | null, rows?: unknown, fields?: unknown) => void;

/** mysql2's pooled connection with what a pool in production needs of it. */
export class ManagedConnection extends ObservedConnection {
  /** mysql2's promise form of this connection, made when it is first needed; see borrowed-connection.ts. */
  promiseView: object | undefined;
  /** Whether the server runs statements of its own at each login; asked when it first matters. */
  initConnect: boolean | undefined;
  /** The settings that a borrower has asked for, and that the session has now. */
  settings: SessionMark | undefined;
  readonly flavor: Flavor;
  readonly charsetAtLogin: number;

  constructor(pool: DriverPoolOf, config: ConnectionConfig, flavor: Flavor, owner: ConnectionOwner) {
    super(pool, config, owner);
    this.promiseView = undefined;
    this.initConnect = undefined;
    this.settings = undefined;
    this.flavor = flavor;
    this.charsetAtLogin = config.charsetNumber;
    // Sockets do not keep the process alive: waiters do, and the pool does while connections are lent.
    this.stream.unref?.();
    // Node verifies "localhost" when TLS is put on a socket that was connected to an address: it must know which address.
    if (config.ssl !== false && config.socketPath === undefined && nodeNet().isIP(config.host) !== 0) this.stream._host = config.host;
  }

  /** COM_RESET_CONNECTION. */
  override reset(callback: (error: Error | null) => void): unknown {
    return super.reset === undefined ? this.addCommand(new ResetSession(callback)) : super.reset(callback);
  }

  /** Runs a statement that was read at another door: a borrower's, even where a listener is the borrower. */
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

  /** A value that is not a text would throw in the middle of mysql2's work, and the connection would never end that command. */
  override prepare(sql: unknown, callback?: unknown): unknown {
    let statement: Statement;
    try {
      statement = this.#statementOf('execute', sql, []);
    } catch (error) {
      return refusedStatement(callback, error);
    }
    return super.prepare(statement.forDriver, callback);
  }

  /** The server no longer knows this prepared statement: the next use prepares it again. When it has too many of them, all of this connection go. */
  forgetStatement(statement: Statement | undefined, error: unknown): void {
    if (isTooManyStatements(error)) this.forgetStatements();
    else if (statement !== undefined) this.unprepare(statement.options ?? { sql: statement.sql });
  }

  /** Closes the statements that mysql2 has prepared on it, and keeps for their next use. */
  forgetStatements(): void {
    if (this.alive) this._statements.clear();
  }

  /** A log of a connection must not show its password. */
  [customInspect](): string {
    return `ManagedConnection { threadId: ${this.threadId}, alive: ${this.alive} }`;
  }

  /** A borrower who has this very object calls it within a deadline. What the pool itself asks is bounded by no caller's. */
  get #isBounded(): boolean {
    return this.lease !== undefined && currentDeadline() !== undefined;
  }

  #statementOf(method: Method, given: unknown, [values]: readonly unknown[]): Statement {
    if (given instanceof Statement) return given;
    const deadline = this.lease === undefined ? undefined : currentDeadline();
    return statementOnConnection(method, given, typeof values === 'function' ? undefined : (values as QueryValues), deadline);
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
    this.factsAsGiven = this.config.queryFormat === undefined ? factsAsGiven(given, parameters[0]) : undefined;
    try {
      command = givenTexts.hasSubscribers ? this.#queryTraced(given, parameters) : super.query(given, ...parameters);
    } catch (thrown) {
      this.factsAsGiven = undefined;
      throw asValueError(thrown);
    }
    if (limits !== undefined) this.#limit(command, limits);
    return command;
  }

  #queryTraced(given: string | object, parameters: readonly unknown[]): Command {
    const begin = (): Command => super.query(given, ...parameters);
    // What a function of the application's makes of a text is not known.
    if (this.config.queryFormat !== undefined) return begin();
    if (typeof given === 'string') return withGivenText(given, parameters[0], begin);
    const { sql, values = parameters[0] } = given as { readonly sql: string; readonly values?: unknown };
    return withGivenText(sql, values, begin);
  }

  #execute(given: string | object, parameters: readonly unknown[], limits: StatementLimits | undefined): Command {
    if (!this.alive) return this.#refuseExecute(given, parameters);
    const refusal = limits === undefined ? undefined : refusalOf(limits, this.flavor);
    if (refusal !== undefined) return notSent(this.#commandOf(given, parameters), refusal);
    // mysql2 reports a failure to prepare the statement to a callback, even when that has had the end of its time before.
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
      if (isOutOfTime(error)) this.statementBroke(command, error, stalled ? 'alone' : 'late');
      this.interrupt(command);
    });
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
}

/** What follows the statement in a call of mysql2's: its values, if it has any, and the callback. */
function parametersOf({ values }: Statement, parameters: readonly unknown[]): unknown[] {
  const callback = callbackIn(parameters);
  return values === undefined ? [callback] : [values, callback];
}

function callbackIn([values, callback]: readonly unknown[]): unknown {
  return typeof values === 'function' ? values : callback;
}

/**
 * What a text says before its values are written into it. Such a text comes again and again and is read once, while hardly any text with values
 * comes twice. Undefined where a value may change the facts, as one with quotes may under another sql_mode. A command has values of its own.
 */
function factsAsGiven(given: string | object, values: unknown): StatementFacts | undefined {
  if (isQueryCommand(given) || !Array.isArray(values) || !values.every(isPlain)) return undefined;
  const sql = typeof given === 'string' ? given : (given as { readonly sql: unknown }).sql;
  const facts = typeof sql === 'string' ? factsOf(sql) : undefined;
  return facts?.takesValues === true ? facts : undefined;
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' ? !QUOTE_OR_BACKSLASH.test(value) : isOneValue(value);
}

const QUOTE_OR_BACKSLASH = /['"\\]/;

let executeShapeIsKept = false;

/** mysql2 does not show the class before there is one. */
function keepExecuteShape({ constructor }: Command): void {
  executeShapeIsKept = true;
  keepShape(constructor as new () => Command, {});
}
