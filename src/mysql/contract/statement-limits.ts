/** How long a statement may take and what may stop it: its own timeout and signal, and the deadline of the work around it. */

import { performance } from 'node:perf_hooks';
import { keepShape } from '../../engine/index.js';
import { checkedMilliseconds, checkedSignal } from '../../engine/waiting/index.js';
import { either, type WorkDeadline } from '../../resilience/deadline/index.js';

const NEVER = Number.POSITIVE_INFINITY;

/** The limits of one statement. Made once, from options that were checked. */
export class StatementLimits {
  /** When the timeout began to run, where that was before the statement is sent: at which `performance.now()`. */
  #beganAt = Number.NaN;

  constructor(
    /** The caller's own, in milliseconds; 0 = none. */
    readonly timeout: number,
    readonly signal: AbortSignal | undefined,
    /** By when the work that the statement belongs to must be over: at which `performance.now()`; `Infinity` = never. */
    readonly dueAt: number,
  ) {}

  /** The timeout runs from now on. A second call does nothing. */
  begin(): void {
    if (Number.isNaN(this.#beganAt)) this.#beganAt = performance.now();
  }

  /** What is left of the timeout, in milliseconds; `Infinity` when there is none. */
  get remainingMs(): number {
    if (this.timeout === 0) return NEVER;
    return Number.isNaN(this.#beganAt) ? this.timeout : Math.max(this.timeout - (performance.now() - this.#beganAt), 0);
  }

  /** What is left until `dueAt`, in milliseconds; `Infinity` when there is no such moment. */
  get dueInMs(): number {
    return this.dueAt === NEVER ? NEVER : Math.max(this.dueAt - performance.now(), 0);
  }

  /** The same, stopped by a further signal, too. The timeout has not begun to run. */
  alsoStoppedBy(signal: AbortSignal): StatementLimits {
    return new StatementLimits(this.timeout, either(this.signal, signal), this.dueAt);
  }
}

keepShape(StatementLimits, {});

/**
 * The limits of a call, if it has any.
 *
 * @param deadline of the work that the call belongs to
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function limitsFrom(timeout: unknown, signal: unknown, deadline: WorkDeadline | undefined): StatementLimits | undefined {
  if (timeout === undefined && signal === undefined && deadline === undefined) return undefined;
  const timeoutMs = timeout === undefined ? 0 : checkedMilliseconds('timeout', timeout);
  const own = checkedSignal(signal);
  if (deadline !== undefined)
    return new StatementLimits(timeoutMs, either(own, deadline.givenUp), performance.now() + deadline.remainingMs);
  return timeoutMs === 0 && own === undefined ? undefined : new StatementLimits(timeoutMs, own, NEVER);
}

/** Limits of nothing but a signal. */
export function stoppedBy(signal: AbortSignal | undefined): StatementLimits | undefined {
  return signal === undefined ? undefined : new StatementLimits(0, signal, NEVER);
}
