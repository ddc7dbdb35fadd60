import { performance } from 'node:perf_hooks';
import { invalid, isAbortSignal, LONGEST_TIMER_MS, onAbort, PoolError } from '../../engine/index.js';
import type { WorkDeadline } from '../../resilience/deadline/index.js';
import { type Command, isQueryCommand } from '../driver/index.js';
import type { Flavor } from '../errors/index.js';

/** When the time of a statement began to run, where that was before it was sent. */
const STARTED_AT = Symbol('startedAt');

/** By when a statement must have ended, because the work that it belongs to must: at which `performance.now()`. */
const DUE_AT = Symbol('dueAt');

/** How long a statement may take, and who may stop it. */
export interface StatementLimits {
  /** Milliseconds; 0 = none. */
  readonly timeout: number;
  /** What is left of them; `Infinity` when there are none. */
  readonly remainingMs: number;
  /** What is left of the deadline of the work that it belongs to, which covers every wait; `Infinity` when there is none. */
  readonly dueInMs: number;
  readonly signal: AbortSignal | undefined;
}

interface LimitedOptions {
  [STARTED_AT]?: number;
  [DUE_AT]?: number | undefined;
  timeout?: unknown;
  signal?: unknown;
  _queryOptions?: LimitedOptions;
}

/**
 * The limits that the first argument of `query` or `execute` carries, if any.
 *
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function limitsOf(sql: unknown): StatementLimits | undefined {
  if (typeof sql !== 'object' || sql === null) return undefined;
  const { timeout = 0, signal, [STARTED_AT]: beganAt, [DUE_AT]: dueAt } = optionsOf(sql);
  if (timeout === 0 && signal === undefined && dueAt === undefined) return undefined;
  if (typeof timeout !== 'number' || !(timeout >= 0)) throw invalid('timeout', timeout, 'a number of milliseconds, at least 0');
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', signal, 'an AbortSignal');
  const spentMs = beganAt === undefined ? 0 : performance.now() - beganAt;
  const remainingMs = timeout === 0 ? Number.POSITIVE_INFINITY : Math.max(timeout - spentMs, 0);
  return { timeout, signal, remainingMs, dueInMs: dueAt === undefined ? Number.POSITIVE_INFINITY : Math.max(dueAt - performance.now(), 0) };
}

/** The limits of a statement that belongs to work with a deadline: its own, and those of the deadline. */
export function limitsWithin(
  { timeout = 0, remainingMs = Number.POSITIVE_INFINITY, dueInMs = Number.POSITIVE_INFINITY, signal }: Partial<StatementLimits> = {},
  deadline: WorkDeadline,
): StatementLimits {
  return { timeout, remainingMs, dueInMs: Math.min(dueInMs, deadline.remainingMs), signal: eitherOf(signal, deadline.givenUp) };
}

/** A statement that belongs to work with a deadline, and carries that with it. */
export function dueBy(sql: object, deadline: WorkDeadline): object {
  const { signal, [DUE_AT]: dueAt = Number.POSITIVE_INFINITY } = sql as LimitedOptions;
  return copyOf(sql, {
    [DUE_AT]: Math.min(dueAt, performance.now() + deadline.remainingMs),
    // What is no signal is refused where it is read.
    signal: deadline.givenUp !== undefined && isAbortSignal(signal) ? eitherOf(signal, deadline.givenUp) : (signal ?? deadline.givenUp),
  });
}

function eitherOf(one: AbortSignal | undefined, other: AbortSignal | undefined): AbortSignal | undefined {
  return one === undefined || other === undefined ? (one ?? other) : AbortSignal.any([one, other]);
}

/** The same without the limits: mysql2 would set a timer of its own, which leaves the statement running. */
export function withoutLimits(sql: string | object): string | object {
  if (typeof sql === 'string') return sql;
  if (!isQueryCommand(sql)) return copyOf(sql, { timeout: undefined, signal: undefined });
  sql.timeout = undefined;
  return sql;
}

/** The options of a statement, whose time began to run before it is sent: at `beganAt` of `performance.now()`. */
export function startedAt(sql: object, beganAt: number): object {
  return copyOf(sql, { [STARTED_AT]: beganAt });
}

/** Objects for statements may be of a class that computes the text: spreading would lose it. mysql2 reads these two by name. */
export function copyOf(statement: object, changes: object): { sql: string } {
  const { sql, values } = statement as { readonly sql: string; readonly values?: unknown };
  return { ...statement, sql, ...(values === undefined ? {} : { values }), ...changes };
}

/** Why a statement is not sent at all, if it is not: nobody waits for it any more. */
export function refusalOf({ timeout, remainingMs, dueInMs, signal }: StatementLimits, flavor: Flavor): Error | undefined {
  if (signal?.aborted === true) return givenUp(signal);
  if (dueInMs === 0) return deadlinePassed('was started: nothing was sent');
  return remainingMs === 0 ? flavor.statementTimeout(timeout) : undefined;
}

/**
 * Ends a statement when its time is up or its signal aborts: its caller is told at once, `stop` sees to the rest, and what the server
 * answers later is told to nobody. Precondition: {@link refusalOf} these limits is nothing.
 */
export function limitStatement(
  command: Command,
  { timeout, remainingMs, dueInMs, signal }: StatementLimits,
  flavor: Flavor,
  stop: (error: Error) => void,
): void {
  const tell = command.onResult;
  const fail = (error: Error): void => {
    end();
    command.onResult = ignore;
    stop(error);
    if (tell !== undefined) tell.call(command, error);
    else if (command.listenerCount('error') > 0) command.emit('error', error);
  };
  const timers: NodeJS.Timeout[] = [];
  const failAfter = (ms: number, error: () => Error): void => {
    // Longer than Node's timers is as good as never: 24 days.
    if (ms <= LONGEST_TIMER_MS) timers.push(setTimeout(() => fail(error()), ms));
  };
  const startTimer = (): void => failAfter(remainingMs, () => flavor.statementTimeout(timeout));
  failAfter(dueInMs, () => deadlinePassed('had ended: it was stopped'));
  const isSent = command.next != null;
  if (flavor.timeoutCoversWaiting || isSent) startTimer();
  else atStart(command, startTimer);
  const unlink = signal === undefined ? undefined : onAbort(signal, () => fail(givenUp(signal)));
  const end = (): void => {
    for (const timer of timers) clearTimeout(timer);
    unlink?.();
  };
  if (tell !== undefined) {
    command.onResult = (...result) => {
      end();
      tell.apply(command, result);
    };
  }
  command.once('end', end);
}

/** Calls `then` when the command is about to be sent. */
function atStart(command: Command, then: () => void): void {
  const { start } = command;
  command.start = function startAndTell(...details: unknown[]): unknown {
    then();
    return Reflect.apply(start as (...parameters: unknown[]) => unknown, command, details);
  };
}

/** mysql2's code of a statement whose time was up. */
const MYSQL2_TIMEOUT = 'PROTOCOL_SEQUENCE_TIMEOUT';

/** Whether a statement ended because its time was up, not because somebody changed their mind. */
export function isOutOfTime(error: unknown): boolean {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  if (code !== 'POOL_ABORTED') return code === 'POOL_QUERY_TIMEOUT' || code === MYSQL2_TIMEOUT;
  // The time of a transaction, or AbortSignal.timeout().
  return PoolError.is(cause) ? isOutOfTime(cause) : cause instanceof Error && cause.name === 'TimeoutError';
}

function givenUp({ reason }: AbortSignal): PoolError {
  return new PoolError('POOL_ABORTED', 'The caller gave up the statement.', { cause: reason });
}

function deadlinePassed(before: string): PoolError {
  return new PoolError('POOL_QUERY_TIMEOUT', `The deadline had passed before the statement ${before}.`);
}

function optionsOf(sql: object): LimitedOptions {
  const options = sql as LimitedOptions;
  return options._queryOptions ?? options;
}

function ignore(): void {}
