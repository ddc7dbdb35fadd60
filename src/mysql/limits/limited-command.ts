/** Commands that end when their time is up or their caller gives up, whether the server has answered or not. */

import { STALL_MS } from '../../engine/contract/index.js';
import { LONGEST_TIMER_MS, PoolError, systemClock, type Timer } from '../../engine/index.js';
import { ignore, onAbort } from '../../engine/waiting/index.js';
import { currentDeadline } from '../../resilience/deadline/index.js';
import { limitsFrom, type StatementLimits } from '../contract/index.js';
import type { Command } from '../driver/index.js';
import type { Flavor } from '../errors/index.js';

/** Limits of commands that a callback pool has made, and that wait for their connection. mysql2 hands the command alone to it. */
const waiting = new WeakMap<Command, StatementLimits>();

/** Keeps the limits of a command until it has its connection. */
export function keepLimits(command: Command, limits: StatementLimits): void {
  waiting.set(command, limits);
}

/**
 * The limits of a command that a connection is given: those that were kept, or those in the options that it was made with, and the deadline
 * of the work around.
 *
 * @param isCallers whether a caller gives it to a connection that it has borrowed by callback
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function limitsOfCommand(command: Command, isCallers: boolean): StatementLimits | undefined {
  const kept = waiting.get(command);
  if (kept !== undefined) return kept;
  const { timeout, signal } = command._queryOptions ?? {};
  return limitsFrom(timeout, signal, isCallers ? currentDeadline() : undefined);
}

/** Why a statement is not sent at all, if it is not: no caller waits for it any more. */
export function refusalOf({ timeout, remainingMs, dueInMs, signal }: StatementLimits, flavor: Flavor): Error | undefined {
  if (signal?.aborted === true) return givenUp(signal);
  if (dueInMs === 0) return deadlinePassed('was started: nothing was sent');
  return remainingMs === 0 ? flavor.statementTimeout(timeout) : undefined;
}

/**
 * Ends a statement when its time is up or its signal aborts. Its caller has the error at once, `stop` sees to the rest, and what the server
 * answers later is dropped. Precondition: {@link refusalOf} these limits is nothing.
 *
 * @param stop `stalled`: the process stood still when the time was up, so that the server may have answered in time
 */
export function limitCommand(
  command: Command,
  { timeout, remainingMs, dueInMs, signal }: StatementLimits,
  flavor: Flavor,
  stop: (error: Error, stalled: boolean) => void,
): void {
  const { onResult } = command;
  const fail = (error: Error, stalled: boolean): void => {
    end();
    command.onResult = ignore;
    stop(error, stalled);
    if (onResult !== undefined) onResult.call(command, error);
    else if (command.listenerCount('error') > 0) command.emit('error', error);
  };
  const timers: Timer[] = [];
  const failAfter = (ms: number, error: () => Error): void => {
    // Longer than Node's timers is as good as never: 24 days.
    if (ms > LONGEST_TIMER_MS) return;
    const dueAt = systemClock.now() + ms;
    timers.push(systemClock.setTimer(() => fail(error(), systemClock.now() - dueAt >= STALL_MS), ms));
  };
  const startTimer = (): void => failAfter(remainingMs, () => flavor.statementTimeout(timeout));
  failAfter(dueInMs, () => deadlinePassed('had ended: it was stopped'));
  const isSent = command.next != null;
  if (flavor.timeoutCoversWaiting || isSent) startTimer();
  else atStart(command, startTimer);
  const giveUp = (): void => {
    const error = givenUp(signal as AbortSignal);
    // A timer of Node's own: what has arrived meanwhile is read first.
    if (isOutOfTime(error)) timers.push(systemClock.setTimer(() => fail(error, false), 0));
    else fail(error, false);
  };
  const unlink = signal === undefined ? undefined : onAbort(signal, giveUp);
  const end = (): void => {
    for (const timer of timers) timer.cancel();
    unlink?.();
  };
  if (onResult !== undefined) {
    command.onResult = (...result) => {
      end();
      onResult.apply(command, result);
    };
  }
  command.once('end', end);
}

/** Calls `then` when the command is about to be sent. */
function atStart(command: Command, then: () => void): void {
  const { start } = command;
  command.start = function startThen(...details: unknown[]): unknown {
    then();
    return Reflect.apply(start as (...parameters: unknown[]) => unknown, command, details);
  };
}

/** mysql2's code of a statement whose time was up. */
const MYSQL2_TIMEOUT = 'PROTOCOL_SEQUENCE_TIMEOUT';

/** Whether a statement ended because its time was up, not because its caller gave up. */
export function isOutOfTime(error: unknown): boolean {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  if (code !== 'POOL_ABORTED') return code === 'POOL_QUERY_TIMEOUT' || code === MYSQL2_TIMEOUT;
  // The time of a transaction, or AbortSignal.timeout().
  return PoolError.is(cause) ? isOutOfTime(cause) : cause instanceof Error && cause.name === 'TimeoutError';
}

function givenUp({ reason }: AbortSignal): PoolError {
  return new PoolError('POOL_ABORTED', 'The caller aborted the statement.', { cause: reason });
}

function deadlinePassed(before: string): PoolError {
  return new PoolError('POOL_QUERY_TIMEOUT', `The deadline had passed before the statement ${before}.`);
}
