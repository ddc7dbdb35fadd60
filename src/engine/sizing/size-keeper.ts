/** Keeps a pool at the size that it finds for itself: looks at its counts four times a second, and sets its ceiling. */

import type { Clock, ResolvedPoolOptions, SizeRange, Timer } from '../contract/index.js';
import type { Lender } from '../lending/index.js';
import { inRootContext } from '../waiting/index.js';
import { Sizer } from './sizer.js';

const WINDOW_MS = 250;

/** So long is waited for the end of a use, before a window without any counts. */
const LONGEST_WINDOW_MS = 10_000;

/** Where a pool begins that finds its size, if its bounds allow it: the default of a fixed one. */
const FIRST_SIZE = 20;

/** The totals of a pool's statistics at one moment. */
interface Totals {
  readonly at: number;
  readonly completed: number;
  readonly usedMs: number;
  readonly waitedMs: number;
}

/** The periodic look of a pool at its own size; nothing runs while the size is fixed. */
export class SizeKeeper {
  #range: SizeRange | undefined = undefined;
  #sizer: Sizer | undefined = undefined;
  #since: Totals | undefined = undefined;
  #timer: Timer | undefined = undefined;
  #isFirst = true;

  constructor(
    private readonly lender: Lender<unknown>,
    private readonly clock: Clock,
  ) {}

  /**
   * These options are about to be in force. A range that stays the same continues; another begins at the limit of before. What the ceiling is now is
   * applied together with the options.
   */
  follow({ sizeRange }: ResolvedPoolOptions): void {
    const known = this.#range;
    const start = this.#isFirst ? FIRST_SIZE : this.lender.limit;
    this.#isFirst = false;
    if (known?.min === sizeRange?.min && known?.max === sizeRange?.max) return;
    this.stop();
    this.#range = sizeRange;
    this.#sizer = sizeRange === undefined ? undefined : new Sizer(sizeRange, start);
    this.#since = undefined;
    this.lender.ceilings.set('size', this.#sizer?.size);
    if (this.#sizer !== undefined) this.#start();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #start(): void {
    const look = (): void => {
      this.#start();
      this.#look(this.clock.now());
    };
    this.#timer = inRootContext(() => this.clock.setTimer(look, WINDOW_MS));
    this.#timer.unref();
  }

  #look(now: number): void {
    const { lender } = this;
    const { statistics, queue, entries } = lender;
    const totals = { at: now, completed: statistics.released, usedMs: statistics.use.sumMs, waitedMs: statistics.acquire.sumMs };
    const since = this.#since;
    // While nothing is lent, or the place is away, the counts say nothing about a size.
    if (since === undefined || lender.state !== 'running' || lender.paused || lender.lastOpenFailure !== undefined) {
      this.#since = totals;
      return;
    }
    const durationMs = now - since.at;
    const completed = totals.completed - since.completed;
    if (completed === 0 && entries.used > 0 && durationMs < LONGEST_WINDOW_MS) return;
    this.#since = totals;
    if (completed === 0 || this.#sizer === undefined) return;
    const size = this.#sizer.next(
      {
        durationMs,
        completed,
        usedMs: totals.usedMs - since.usedMs,
        waitedMs: totals.waitedMs - since.waitedMs,
        waiting: queue.size,
        used: entries.used,
      },
      lender.ceilings.below(lender.options.connectionLimit, 'size'),
    );
    lender.setCeiling('size', size, now);
  }
}
