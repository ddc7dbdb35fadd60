/** A statement as its caller asked for it: read and checked once, at the door of the pool, and carried inside as a value. */

import { invalid, invalidUnquoted, keepShape, type ResourceMark, PoolError, type Priority } from '../../engine/index.js';
import { factsOf, type StatementFacts } from '../../sql/index.js';
import { throwIfOver, type WorkDeadline } from '../../resilience/deadline/index.js';
import { thrownAsError } from '../errors/index.js';
import { isQueryCommand, type QueryValues } from '../driver/index.js';
import { checkedReading, type ReadingOptions, readingRefused } from './reading.js';
import { markOf } from './session-settings.js';
import { limitsFrom, type StatementLimits, stoppedBy } from './statement-limits.js';
import type { StatementCacheOptions, StatementOptions } from './statement-options.js';

/** mysql2's two ways to run a statement: with its values in the text, or prepared. */
export type Method = 'query' | 'execute';

/** Where a statement stands in a fair queue, and what session it needs. */
export interface Place {
  readonly priority?: Priority;
  readonly fairnessKey?: string;
  readonly mark?: ResourceMark;
}

/** What a caller asks of Poolwright beside limits. */
export interface StatementWishes {
  readonly place: Place | undefined;
  readonly cache: StatementCacheOptions | boolean | undefined;
  readonly idempotent: boolean;
  readonly fallback: StatementOptions['fallback'];
  /** Where in a cluster it is to run; undefined: where it is sent. */
  readonly reading: ReadingOptions | undefined;
}

const NO_WISHES: StatementWishes = Object.freeze({
  place: undefined,
  cache: undefined,
  idempotent: false,
  fallback: undefined,
  reading: undefined,
});

/** mysql2's own options of a statement, with its text. */
export interface DriverOptions {
  readonly sql: string;
  readonly [option: string]: unknown;
}

/** One statement. Its text is called `sql`, and its values `values`, as in mysql2's options: so it is such an object itself. */
export class Statement {
  constructor(
    readonly method: Method,
    readonly sql: string,
    readonly values: QueryValues | undefined,
    /** What mysql2 is given in place of the text; undefined: the text says it all. mysql2 copies objects, which costs it more than its other work. */
    readonly options: DriverOptions | undefined,
    readonly limits: StatementLimits | undefined,
    readonly wishes: StatementWishes,
  ) {}

  /** What mysql2 is given as its first argument. */
  get forDriver(): string | DriverOptions {
    return this.options ?? this.sql;
  }

  /** What the text says about itself. */
  get facts(): StatementFacts {
    return factsOf(this.sql);
  }

  /** The same with other limits. */
  limitedBy(limits: StatementLimits | undefined): Statement {
    const { method, sql, values, options, wishes } = this;
    return new Statement(method, sql, values, options, limits, wishes);
  }

  /** The same, stopped by a further signal, too. */
  alsoStoppedBy(signal: AbortSignal | undefined): Statement {
    return signal === undefined ? this : this.limitedBy(this.limits?.alsoStoppedBy(signal) ?? stoppedBy(signal));
  }

  /** The same as the cache loads it: for all who ask, so with no limits and no fallback of one of them. */
  forLoading(signal: AbortSignal): Statement {
    const { method, sql, values, options, wishes } = this;
    const shared = wishes.fallback === undefined ? wishes : Object.freeze({ ...wishes, fallback: undefined });
    return new Statement(method, sql, values, options, stoppedBy(signal), shared);
  }
}

keepShape(Statement, {});

/**
 * Reads what a caller gave as a statement. A getter is read once.
 *
 * @param given the first argument of `query` or `execute`, which may be anything
 * @param deadline of the work that the caller is in
 * @throws PoolError `POOL_OPTION_INVALID` when it is no statement, `POOL_QUERY_TIMEOUT` or `POOL_ABORTED` when its deadline is over; what a
 *   getter of the caller's throws
 */
export function statementOf(
  method: Method,
  given: unknown,
  values: QueryValues | undefined,
  deadline: WorkDeadline | undefined,
): Statement {
  if (typeof given !== 'string') return readGuarded(method, given, values, deadline);
  return new Statement(method, given, values, undefined, deadline === undefined ? undefined : limitsOfWork(deadline), NO_WISHES);
}

/** The same on a connection that a borrower has: it runs there. @throws as {@link statementOf} does */
export function statementOnConnection(
  method: Method,
  given: unknown,
  values: QueryValues | undefined,
  deadline: WorkDeadline | undefined,
): Statement {
  const statement = statementOf(method, given, values, deadline);
  if (statement.wishes.reading !== undefined) throw readingRefused('this one runs on the connection that was borrowed for it.');
  if (statement.wishes.place?.mark !== undefined)
    throw new PoolError(
      'POOL_OPTION_INVALID',
      'session: this statement runs on the connection that was borrowed for it; ask for it there.',
    );
  return statement;
}

/** A statement of Poolwright's own: no caller's deadline bounds it. */
export function ownStatement(sql: string, limits?: StatementLimits): Statement {
  return new Statement('query', sql, undefined, undefined, limits, NO_WISHES);
}

/** The same with options of mysql2's, which go before those of the pool. */
export function ownStatementWith(options: DriverOptions): Statement {
  return new Statement('query', options.sql, undefined, options, undefined, NO_WISHES);
}

function readGuarded(method: Method, given: unknown, values: QueryValues | undefined, deadline: WorkDeadline | undefined): Statement {
  try {
    return read(method, given, values, deadline);
  } catch (error) {
    throw thrownAsError(error, 'The statement must be readable', 'an object that throws when it is read');
  }
}

function read(method: Method, given: unknown, values: QueryValues | undefined, deadline: WorkDeadline | undefined): Statement {
  if (typeof given !== 'object' || given === null) throw invalid('The statement', given, 'a string, or an object whose sql is a string');
  // A command of mysql2's was made from such an object.
  const options = isQueryCommand(given) ? { ...given._queryOptions, sql: given.sql, values: given.values } : given;
  // The text and the values may be getters of a class: mysql2 reads them by name, and of the rest what is the object's own.
  const { sql, values: ownValues, timeout, signal, cache, idempotent, priority, fairnessKey, session, fallback } = options as Given;
  const rest = restOf(options);
  if (typeof sql !== 'string') throw invalid("The statement's sql", sql, 'a string');
  const limits = limitsFrom(timeout, signal, deadline);
  if (deadline !== undefined) refuseWhenOver(deadline);
  const place = placeOf(priority, fairnessKey, session === undefined ? undefined : markOf(session));
  const reading = rest === undefined ? undefined : checkedReading(rest);
  const isPlain = reading === undefined && place === undefined && cache === undefined && idempotent !== true && fallback === undefined;
  return new Statement(
    method,
    sql,
    valuesOf(method, ownValues, values),
    rest === undefined ? undefined : optionsOf(sql, rest),
    limits,
    isPlain ? NO_WISHES : Object.freeze({ place, cache, idempotent: idempotent === true, fallback, reading }),
  );
}

interface Given extends Omit<StatementOptions, 'sql' | 'values'> {
  readonly sql: unknown;
  readonly values?: QueryValues;
}

/** What is read by name, and what would change the copy instead of being in it. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  'sql',
  'values',
  'timeout',
  'signal',
  'cache',
  'idempotent',
  'priority',
  'fairnessKey',
  'session',
  'fallback',
  '__proto__',
]);

/** A copy of what else is the object's own. Mostly there is nothing, and a copy would take as long as all else that is read. */
function restOf(options: object): Record<string, unknown> | undefined {
  let rest: Record<string, unknown> | undefined;
  for (const name of Object.keys(options)) {
    if (!NOT_COPIED.has(name)) (rest ??= {})[name] = (options as Record<string, unknown>)[name];
  }
  return rest;
}

/** mysql2 prefers the argument of `query`, and the option of `execute`. It takes a function for the callback: the answer would go there. */
function valuesOf(method: Method, option: QueryValues | undefined, argument: QueryValues | undefined): QueryValues | undefined {
  if (typeof option === 'function') throw invalidUnquoted('values', option, 'a list of values, or an object of named ones');
  if (method === 'execute') return (option as unknown) ? option : argument;
  return argument === undefined ? option : argument;
}

/** Options that mysql2 makes the keys of its prepared statements and parsers of, as text. */
const WRITTEN_INTO_KEYS = ['nestTables', 'rowsAsArray', 'timezone'];

function optionsOf(sql: string, rest: Record<string, unknown>): DriverOptions | undefined {
  const { route: _route, consistency: _consistency, maxLag: _maxLag, after: _after, ...others } = rest;
  if (Object.keys(others).length === 0) return undefined;
  for (const name of WRITTEN_INTO_KEYS) {
    const kind = typeof others[name];
    // What throws there throws in the middle of mysql2's work, and the connection would never end that command.
    if (kind === 'symbol' || kind === 'function' || (kind === 'object' && others[name] !== null))
      throw invalidUnquoted(name, others[name], 'a string, true, or false');
  }
  others['sql'] = sql;
  return others as DriverOptions;
}

function placeOf(priority: Priority | undefined, fairnessKey: string | undefined, mark: ResourceMark | undefined): Place | undefined {
  if (priority === undefined && fairnessKey === undefined && mark === undefined) return undefined;
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(fairnessKey === undefined ? {} : { fairnessKey }),
    ...(mark === undefined ? {} : { mark }),
  };
}

function limitsOfWork(deadline: WorkDeadline): StatementLimits | undefined {
  refuseWhenOver(deadline);
  return limitsFrom(undefined, undefined, deadline);
}

/** @throws PoolError `POOL_QUERY_TIMEOUT`, `POOL_ABORTED` */
function refuseWhenOver(deadline: WorkDeadline): void {
  throwIfOver(deadline, 'POOL_QUERY_TIMEOUT', 'the statement was started: nothing was sent');
}
