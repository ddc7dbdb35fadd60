/** Reports of leaks: one line for each place of the application and minute, with a count. */

import { type Borrowed, type Clock, systemClock } from '../../engine/index.js';

/** Writes one line: what leaked, and of how many from the same place it stands for. */
export type LeakLine = (borrowed: Borrowed, count: number) => void;

const WINDOW_MS = 60_000;
/** A program has fewer places that borrow; those beyond share one line. */
const MOST_PLACES = 100;

interface Window {
  /** The last one that has no line yet, and how many have none. */
  last: Borrowed | undefined;
  count: number;
}

/** The first leak of a place has its line at once. Those that follow within a minute share one at the minute's end. */
export class LeaksByPlace {
  readonly #windows = new Map<string, Window>();

  constructor(
    private readonly write: LeakLine,
    private readonly clock: Clock = systemClock,
  ) {}

  note(borrowed: Borrowed): void {
    const place = borrowed.place ?? borrowed.stack ?? '';
    const key = this.#windows.has(place) || this.#windows.size < MOST_PLACES ? place : 'elsewhere';
    const window = this.#windows.get(key);
    if (window !== undefined) {
      window.last = borrowed;
      window.count += 1;
      return;
    }
    this.#open(key);
    this.write(borrowed, 1);
  }

  #open(key: string): void {
    const timer = this.clock.setTimer(() => this.#end(key), WINDOW_MS);
    timer.unref();
    this.#windows.set(key, { last: undefined, count: 0 });
  }

  #end(key: string): void {
    const window = this.#windows.get(key);
    this.#windows.delete(key);
    if (window?.last === undefined) return;
    // The next minute begins: a place that leaks still has one line in each.
    this.#open(key);
    this.write(window.last, window.count);
  }
}
