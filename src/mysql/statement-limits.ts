import { performance } from 'node:perf_hooks';
import { invalid, onAbort, PoolError } from '../engine/index.js';
import { type Command, isQueryCommand } from './driver.js';

/** When the time of a statement began to run, where that was before it was sent. */
const STARTED_AT = Symbol('startedAt');

/** How long a statement may take, and who may stop it. */
export interface StatementLimits {
  /** Milliseconds; 0 = none. */
  readonly timeout?: number | undefined;
  /** What is left of them. */
  readonly remainingMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface LimitedOptions {
  [STARTED_AT]?: number;
  timeout?: number | undefined;
  signal?: AbortSignal | undefined;
  _queryOptions?: LimitedOptions;
}

/** The limits that the first argument of `query` or `execute` carries, if any. */
export function limitsOf(sql: unknown): StatementLimits | undefined {
  if (typeof sql !== 'object' || sql === null) return undefined;
  const { timeout, signal } = optionsOf(sql);
  if ((timeout === undefined || timeout === 0) && signal === undefined) return undefined;
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0))
    throw invalid('timeout', timeout, 'a number of milliseconds, at least 0');
  const began = optionsOf(sql)[STARTED_AT];
  const spentMs = began === undefined ? 0 : performance.now() - began;
  return {
    timeout,
    signal,
    remainingMs: timeout === undefined || timeout === 0 ? Number.POSITIVE_INFINITY : Math.max(timeout - spentMs, 0),
  };
}

/** An option that makes a statement's time begin before it is sent: `beganAt` is of `performance.now()`. */
export function startedAt(beganAt: number): object {
  return { [STARTED_AT]: beganAt };
}

/** The same without the limits: mysql2 would set a timer of its own, which leaves the statement running. */
export function withoutLimits<T extends object>(sql: T): T {
  if (isQueryCommand(sql)) {
    sql.timeout = undefined;
    return sql;
  }
  return { ...sql, timeout: undefined, signal: undefined };
}

/**
 * Ends a statement when its time is up or its signal aborts: its caller is told at once, `stop` sees to the rest, and what the server
 * answers later is told to nobody.
 */
export function limitStatement(command: Command, { timeout = 0, remainingMs, signal }: StatementLimits, stop: () => void): void {
  const tell = command.onResult;
  const fail = (error: PoolError): void => {
    end();
    command.onResult = ignore;
    stop();
    if (tell !== undefined) tell.call(command, error);
    else if (command.listenerCount('error') > 0) command.emit('error', error);
  };
  const giveUp = (): void => fail(new PoolError('POOL_ABORTED', 'The caller gave up the statement.', { cause: signal?.reason }));
  const timer = timeout === 0 ? undefined : setTimeout(() => fail(timeoutError(timeout)), remainingMs);
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

function timeoutError(timeoutMs: number): PoolError {
  return new PoolError('POOL_QUERY_TIMEOUT', `The statement took longer than ${Math.round(timeoutMs)} ms and was stopped.`);
}

function optionsOf(sql: object): LimitedOptions {
  const options = sql as LimitedOptions;
  return options._queryOptions ?? options;
}

function ignore(): void {}
