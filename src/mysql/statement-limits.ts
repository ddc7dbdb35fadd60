import { performance } from 'node:perf_hooks';
import { invalid, isAbortSignal, LONGEST_TIMER_MS, onAbort, PoolError } from '../engine/index.js';
import { type Command, isQueryCommand } from './driver.js';
import type { Flavor } from './flavor.js';

/** When the time of a statement began to run, where that was before it was sent. */
const STARTED_AT = Symbol('startedAt');

/** How long a statement may take, and who may stop it. */
export interface StatementLimits {
  /** Milliseconds; 0 = none. */
  readonly timeout: number;
  /** What is left of them; `Infinity` when there are none. */
  readonly remainingMs: number;
  readonly signal: AbortSignal | undefined;
}

interface LimitedOptions {
  [STARTED_AT]?: number;
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
  const { timeout = 0, signal, [STARTED_AT]: beganAt } = optionsOf(sql);
  if (timeout === 0 && signal === undefined) return undefined;
  if (typeof timeout !== 'number' || !(timeout >= 0)) throw invalid('timeout', timeout, 'a number of milliseconds, at least 0');
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', signal, 'an AbortSignal');
  const spentMs = beganAt === undefined ? 0 : performance.now() - beganAt;
  return { timeout, signal, remainingMs: timeout === 0 ? Number.POSITIVE_INFINITY : Math.max(timeout - spentMs, 0) };
}

/** The same without the limits: mysql2 would set a timer of its own, which leaves the statement running. */
export function withoutLimits(sql: object): object {
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

/**
 * Ends a statement when its time is up or its signal aborts: its caller is told at once, `stop` sees to the rest, and what the server
 * answers later is told to nobody.
 */
export function limitStatement(
  command: Command,
  { timeout, remainingMs, signal }: StatementLimits,
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
  const giveUp = (): void => fail(new PoolError('POOL_ABORTED', 'The caller gave up the statement.', { cause: signal?.reason }));
  let timer: NodeJS.Timeout | undefined;
  const startTimer = (): void => {
    // Longer than Node's timers is as good as never: 24 days.
    if (remainingMs <= LONGEST_TIMER_MS) timer = setTimeout(() => fail(flavor.statementTimeout(timeout)), remainingMs);
  };
  const isSent = command.next != null;
  if (flavor.timeoutCoversWaiting || isSent) startTimer();
  else atStart(command, startTimer);
  const unlink = signal === undefined || signal.aborted ? undefined : onAbort(signal, giveUp);
  const end = (): void => {
    clearTimeout(timer);
    unlink?.();
  };
  if (tell !== undefined) {
    command.onResult = (...result) => {
      end();
      tell.apply(command, result);
    };
  }
  command.once('end', end);
  // The caller must have its command before it is told that the command has failed.
  if (signal?.aborted === true) process.nextTick(giveUp);
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

function optionsOf(sql: object): LimitedOptions {
  const options = sql as LimitedOptions;
  return options._queryOptions ?? options;
}

function ignore(): void {}
