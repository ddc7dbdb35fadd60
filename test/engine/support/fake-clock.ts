import type { Clock, Timer } from '../../../src/engine/contract/clock.js';

/** More timers than this at one moment are set again and again without end. */
const MOST_TIMERS_AT_ONE_MOMENT = 20_000;

/** Runs all microtasks and ticks that are due, and those that they start. */
export function allMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

class FakeTimer implements Timer {
  referenced = true;

  constructor(
    readonly dueAt: number,
    readonly order: number,
    readonly callback: (readUntil?: number) => void,
    private readonly timers: Set<FakeTimer>,
  ) {
    timers.add(this);
  }

  cancel(): void {
    this.timers.delete(this);
  }

  ref(): void {
    this.referenced = true;
  }

  unref(): void {
    this.referenced = false;
  }
}

/**
 * Time that passes only when a test says so. Timers run in the order in which they are due, and everything that follows
 * from one of them has happened before the next one runs. The pool's timers are counted; a test's own waits are not.
 */
export class FakeClock implements Clock {
  /** How many timers the pool has set in all. */
  timersSet = 0;
  readonly #drain: () => Promise<void>;
  readonly #timers = new Set<FakeTimer>();
  readonly #waits = new Set<FakeTimer>();
  #now: number;
  #order = 0;

  constructor(startAt = 0, drain: () => Promise<void> = allMicrotasks) {
    this.#now = startAt;
    this.#drain = drain;
  }

  now(): number {
    return this.#now;
  }

  setTimer(callback: (readUntil?: number) => void, delayMs: number): Timer {
    if (!(delayMs >= 0)) throw new RangeError(`A timer was set for ${delayMs} ms.`);
    this.timersSet += 1;
    return this.#add(this.#timers, callback, delayMs);
  }

  /** Resolves after `delayMs`, in step with the pool's timers. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#add(this.#waits, () => resolve(), delayMs);
    });
  }

  /** Timers of the pool that are set. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Timers of the pool that would keep a process alive. */
  get referencedTimers(): number {
    let count = 0;
    for (const timer of this.#timers) if (timer.referenced) count += 1;
    return count;
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    await this.#drain();
  }

  /** Lets `ms` pass. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.#drain();
    let atThisMoment = 0;
    for (let next = this.#nextUntil(end); next !== undefined; next = this.#nextUntil(end)) {
      atThisMoment = next.dueAt > this.#now ? 0 : atThisMoment + 1;
      if (atThisMoment > MOST_TIMERS_AT_ONE_MOMENT) throw new Error(`Timers are set again and again while it is ${this.#now} ms.`);
      this.#now = Math.max(this.#now, next.dueAt);
      next.cancel();
      next.callback(this.#now);
      await this.#drain();
    }
    this.#now = Math.max(this.#now, end);
  }

  /** `ms` pass in which nothing runs, as when something blocks the event loop. What was due meanwhile runs late, with the next advance. */
  stall(ms: number): void {
    this.#now += ms;
  }

  #add(timers: Set<FakeTimer>, callback: (readUntil?: number) => void, delayMs: number): FakeTimer {
    this.#order += 1;
    return new FakeTimer(this.#now + delayMs, this.#order, callback, timers);
  }

  #nextUntil(end: number): FakeTimer | undefined {
    let next: FakeTimer | undefined;
    for (const timers of [this.#timers, this.#waits]) {
      for (const timer of timers) {
        if (timer.dueAt > end) continue;
        if (next === undefined || timer.dueAt < next.dueAt || (timer.dueAt === next.dueAt && timer.order < next.order)) next = timer;
      }
    }
    return next;
  }
}
