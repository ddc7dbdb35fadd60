/** What a pool did in one window of time, and the mean of several windows at one size. */

/** What a pool did since the last look at it. All of it is made from counts that its statistics keep anyway. */
export interface UseWindow {
  readonly durationMs: number;
  /** Leases that ended. */
  readonly completed: number;
  /** How long those leases lasted, together. */
  readonly usedMs: number;
  /** How long the callers had waited who were served, together. */
  readonly waitedMs: number;
  /** Callers that wait at its end. */
  readonly waiting: number;
  /** Entries that are lent at its end. */
  readonly used: number;
}

/** From this many callers that wait, on average, the size is what holds them up. */
const PRESSING_WAITERS = 0.5;

/** Whether callers wait for an entry, at the end of the window or during it. */
export function isPressed({ durationMs, waitedMs, waiting }: UseWindow): boolean {
  return waiting > 0 || waitedMs > PRESSING_WAITERS * durationMs;
}

/** What a size has been good for: the mean of its windows. */
export class Measurement {
  readonly #rates: number[] = [];
  #completed = 0;
  #usedMs = 0;
  /** Callers, waiting and served, at the ends of the windows. */
  #callers = 0;

  constructor(readonly size: number) {}

  add({ durationMs, completed, usedMs, waiting, used }: UseWindow): void {
    this.#rates.push(completed / durationMs);
    this.#completed += completed;
    this.#usedMs += usedMs;
    this.#callers += waiting + used;
  }

  get windows(): number {
    return this.#rates.length;
  }

  get completed(): number {
    return this.#completed;
  }

  /** Uses that end, per millisecond. */
  get rate(): number {
    return this.#rates.reduce((sum, rate) => sum + rate, 0) / Math.max(this.#rates.length, 1);
  }

  /** How far the rate may be from the true one: its standard error, from how the windows differ, or from the count where they are few. */
  get rateError(): number {
    const { rate, windows } = this;
    const fromCount = rate / Math.sqrt(Math.max(this.#completed, 1));
    if (windows < 3) return fromCount;
    const squares = this.#rates.reduce((sum, one) => sum + (one - rate) ** 2, 0);
    return Math.sqrt(squares / (windows - 1) / windows);
  }

  /** What a use takes, in milliseconds. */
  get useMs(): number {
    return this.#usedMs / Math.max(this.#completed, 1);
  }

  /** How long a caller that comes now is there, its wait included, in milliseconds (Little's law): what those of before had to wait says less. */
  get responseMs(): number {
    return this.#callers / Math.max(this.windows, 1) / Math.max(this.rate, Number.MIN_VALUE);
  }
}
