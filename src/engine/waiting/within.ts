/** Bounded waits: a promise with a time limit or an abort signal, and a pause. */

import { type Clock, LONGEST_TIMER_MS, STALL_MS, systemClock, type Timer } from '../contract/index.js';
import { onAbort } from './abort.js';

/** Whose time a wait uses, and whether its timer keeps the process alive. */
export interface WaitTimer {
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: 'held'. 'unheld' where no caller waits. */
  readonly hold?: 'held' | 'unheld';
}

/** What else may end the wait for a promise. */
export interface WaitBounds extends WaitTimer {
  readonly signal?: AbortSignal | undefined;
  /** What the wait rejects with when the signal aborts. Default: the signal's reason. */
  readonly aborted?: ((reason: unknown) => unknown) | undefined;
  /** Whether what takes several exchanges with another party gets as much more time as this process stood still. Default: false. */
  readonly allowsForStalls?: boolean;
}

/** How a pause may end early. */
export interface PauseOptions extends WaitTimer {
  readonly signals?: readonly (AbortSignal | undefined)[];
}

/**
 * The outcome of `promise`, if it settles within `milliseconds` and before the signal aborts; else it rejects. A signal that has aborted wins
 * over a promise that has settled. The timer and the abort listener are gone when the wait is over, and a rejection that comes later is ignored.
 *
 * @param milliseconds longer than {@link LONGEST_TIMER_MS}, for example `Infinity`: no limit
 * @param late makes the error for a promise that is late
 */
export function within<T>(
  promise: Promise<T>,
  milliseconds: number,
  late: () => Error,
  { signal, aborted = itself, clock = systemClock, hold, allowsForStalls = false }: WaitBounds = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: Timer | undefined;
    let unlink: (() => void) | undefined;
    const end = (): void => {
      timer?.cancel();
      unlink?.();
    };
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    promise.then((value) => {
      end();
      resolve(value);
    }, fail);
    if (signal?.aborted === true) {
      fail(aborted(signal.reason));
      return;
    }
    const limit = (allowedMs: number): void => {
      const dueAt = allowsForStalls ? clock.now() + allowedMs : Number.POSITIVE_INFINITY;
      const timeUp = (): void => {
        const lateMs = clock.now() - dueAt;
        if (lateMs >= STALL_MS) limit(Math.min(lateMs, milliseconds));
        else fail(late());
      };
      timer = startTimer(timeUp, allowedMs, clock, hold);
    };
    if (milliseconds <= LONGEST_TIMER_MS) limit(milliseconds);
    if (signal !== undefined) unlink = onAbort(signal, () => fail(aborted(signal.reason)));
  });
}

/** The outcome of `promise`, unless the signal aborts before: then it rejects as {@link within} does. */
export function waitOrAbort<T>(promise: Promise<T>, signal: AbortSignal, aborted?: (reason: unknown) => unknown): Promise<T> {
  return within(promise, Number.POSITIVE_INFINITY, neverLate, { signal, aborted });
}

/** Resolves after `milliseconds`, or when one of the signals aborts. Never rejects. */
export function pause(milliseconds: number, { signals = [], clock, hold }: PauseOptions = {}): Promise<void> {
  return new Promise((resolve) => {
    const unlinks: (() => void)[] = [];
    const end = (): void => {
      timer.cancel();
      for (const unlink of unlinks) unlink();
      resolve();
    };
    const timer = startTimer(end, milliseconds, clock, hold);
    for (const signal of signals) {
      if (signal === undefined) continue;
      if (signal.aborted) {
        end();
        return;
      }
      unlinks.push(onAbort(signal, end));
    }
  });
}

function startTimer(callback: () => void, milliseconds: number, clock = systemClock, hold: 'held' | 'unheld' = 'held'): Timer {
  const timer = clock.setTimer(callback, milliseconds);
  if (hold === 'unheld') timer.unref();
  return timer;
}

function itself(reason: unknown): unknown {
  return reason;
}

function neverLate(): Error {
  return new Error('bug: a wait without a time limit was late');
}
