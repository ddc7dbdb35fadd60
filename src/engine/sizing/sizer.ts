/** How many entries a pool needs: tries more while callers wait, and fewer while that costs nothing, by the rate at which uses end. */

import type { SizeRange } from '../contract/index.js';
import { CHANGED_MUCH, Usual } from './usual.js';
import { isPressed, Measurement, type UseWindow } from './window.js';

/** Twice as many entries must end this many more uses, or they are not worth having; a few more at least nearly as many. */
const WORTHWHILE_GAIN = 0.07;
const LEAST_GAIN = 0.05;
/** Fewer entries may end this many fewer uses than the best size. */
const ALLOWED_LOSS = 0.04;
/** Callers must be served this much sooner for more entries to stay that end no more uses. */
const SOONER = 0.8;
/** Fewer entries must not keep callers so much longer. */
const LATER = 1.25;

const COARSE_STEP = 2;
const FINE_STEP = 1.4;

/** Windows in which a new size takes effect: connections are opened, or given back. */
const MOST_SETTLING_WINDOWS = 4;
/** One window is enough to see that the rate is less than this fraction of what it was. */
const MUCH_WORSE = 0.7;
/** Windows after which a size is judged, however little it differs. */
const MOST_WINDOWS = 5;
/** Windows after which a size that was tried and seemed better is believed. */
const MOST_WINDOWS_OF_A_TRY = 15;
/** What the size of now is good for is the mean of this many windows at most. */
const MOST_WINDOWS_KEPT = 40;
/** Windows after which a measurement of seldom uses ends. */
const MOST_WINDOWS_OF_FEW_USES = 40;
/** A difference of this many standard errors is no accident. */
const SIGNIFICANT = 2.5;
/** More entries are taken for a difference of this many. */
const LIKELY = 1.5;

/** This many windows in a row must be unlike what is usual. */
const WINDOWS_OF_A_CHANGE = 3;

/**
 * How long a size that was found is kept until the next ones are tried: longer each time. More entries are tried
 * earlier than fewer: a size that is too small may hide what the server could do, and one that is too large shows that it is. Each try changes the
 * size twice.
 */
const FIRST_REST_MS = { up: 5_000, down: 20_000 } as const;
const LONGER_REST = { up: 1.5, down: 2 } as const;
const LONGEST_REST_MS = { up: 80_000, down: 320_000 } as const;
/** Another size by this factor is the answer to another workload: it is asked again soon. */
const ANOTHER_SIZE = 2;

type Direction = 'up' | 'down';
type Steps<T> = Generator<number, T, UseWindow>;

/**
 * Finds the size of a pool from what it does, window by window. It compares sizes by the rate at which uses end, which is what callers get, and
 * takes the smallest that is not worse than the best. While the size holds no caller up, nothing is tried and the size stays.
 */
export class Sizer {
  #size: number;
  #most: number;
  /** What the size was found good for: the workload may change while others are tried. */
  #usual = new Usual();
  /** How long to rest before each direction is tried again, and for how long it was not. */
  readonly #rests = { up: { ms: FIRST_REST_MS.up, past: 0 }, down: { ms: FIRST_REST_MS.down, past: 0 } } as Record<
    Direction,
    { ms: number; past: number }
  >;
  #steps: Steps<never>;

  constructor(
    private readonly range: SizeRange,
    start: number,
  ) {
    this.#size = Math.min(Math.max(start, range.min), range.max);
    this.#most = range.max;
    this.#steps = this.#run();
    this.#steps.next();
  }

  /** The size now. */
  get size(): number {
    return this.#size;
  }

  /**
   * The size from now on.
   *
   * @param most what else bounds it, such as the lease of a fleet
   */
  next(window: UseWindow, most: number = this.range.max): number {
    const bounded = Math.min(most, this.range.max);
    // What was measured is of other sizes than those that may be had now.
    const outdated = bounded < this.#size || (bounded > this.#most && this.#size === this.#most);
    this.#most = bounded;
    if (outdated) this.#begin(Math.min(this.#size, bounded));
    return this.#steps.next(window).value;
  }

  /** As at the start. */
  #begin(size: number): void {
    this.#size = size;
    this.#usual = new Usual();
    this.#restart();
    this.#steps = this.#run();
    this.#steps.next();
  }

  *#run(): Steps<never> {
    for (let first = true; ; first = false) {
      const { found, why } = yield* this.#watch(first);
      if (why === 'new') yield* this.#search(found, ['up', 'down']);
      else if (why === 'crowded') yield* this.#search(found, ['down', 'up']);
      else yield* this.#askAgain(found, why);
    }
  }

  /** Keeps the size until there is a reason to try others: the first pressure, another workload, or that the last answer is old. */
  *#watch(first: boolean): Steps<{ readonly found: Measurement; readonly why: 'new' | 'crowded' | Direction }> {
    const usual = this.#usual;
    let recent = new Measurement(this.#size);
    let strikes = 0;
    let pressure = 0;
    for (;;) {
      const window = yield this.#size;
      pressure = isPressed(window) ? Math.min(pressure + 1, 3) : Math.max(pressure - 1, 0);
      if (pressure < 2) continue;
      for (const rest of Object.values(this.#rests)) rest.past += window.durationMs;
      const rate = window.completed / window.durationMs;
      if (usual.isUnlike(rate)) {
        strikes += 1;
        // The first one has uses of before in it.
        if (strikes === 1) recent = new Measurement(this.#size);
        else recent.add(window);
        if (strikes < WINDOWS_OF_A_CHANGE) continue;
        this.#restart();
        this.#usual = Usual.of(recent);
        const slower = recent.rate < usual.rate && recent.useMs > usual.useMs;
        const much = Math.abs(recent.rate / usual.rate - 1) > CHANGED_MUCH;
        return { found: recent, why: slower ? (much ? 'crowded' : 'down') : much ? 'new' : 'up' };
      }
      strikes = 0;
      usual.note(rate, window);
      if (usual.hasDrifted) {
        usual.settle();
        this.#restart();
        this.#rests.up.past = FIRST_REST_MS.up;
        recent = new Measurement(this.#size);
      }
      recent.add(window);
      if (recent.windows > MOST_WINDOWS_KEPT) recent = restarted(recent, window);
      if (recent.windows < 3 || recent.completed < this.#size) continue;
      if (first) return { found: recent, why: 'new' };
      for (const direction of ['up', 'down'] as const) {
        if (this.#rests[direction].past >= this.#rests[direction].ms) return { found: recent, why: direction };
      }
    }
  }

  /** Tries sizes in one direction, and in the other one if nothing was gained. */
  *#search(found: Measurement, directions: readonly Direction[]): Steps<void> {
    let best = found;
    for (const direction of directions) {
      const reached = yield* this.#climb(best, direction, COARSE_STEP);
      const moved = reached.size !== best.size;
      best = moved || direction === 'down' ? yield* this.#climb(reached, direction, FINE_STEP) : reached;
      if (moved) break;
    }
    this.#size = best.size;
    this.#usual = Usual.of(best);
  }

  /** Whether the next size is better, and then all that follow. */
  *#askAgain(found: Measurement, direction: Direction): Steps<void> {
    const rest = this.#rests[direction];
    rest.past = 0;
    rest.ms = Math.min(rest.ms * LONGER_REST[direction], LONGEST_REST_MS[direction]);
    const reached = yield* this.#try(found, direction);
    if (reached === undefined) return;
    yield* this.#search(reached, [direction]);
    const factor = this.#size / found.size;
    if (factor >= ANOTHER_SIZE || factor <= 1 / ANOTHER_SIZE) this.#restart();
  }

  /** The next size in one direction, if it is better. */
  *#try(found: Measurement, direction: Direction): Steps<Measurement | undefined> {
    const size = this.#sizeBeyond(found.size, direction, FINE_STEP);
    if (size === found.size) return undefined;
    const tried = yield* this.#measure(size, found);
    for (;;) {
      const isBetter = direction === 'up' ? isWorthMore(tried, found) : isEnough(tried, found, found);
      if (isBetter && tried.windows >= MOST_WINDOWS_OF_A_TRY) return tried;
      if (!isBetter) break;
      tried.add(yield this.#size);
    }
    this.#size = found.size;
    return undefined;
  }

  #restart(): void {
    for (const direction of ['up', 'down'] as const) this.#rests[direction] = { ms: FIRST_REST_MS[direction], past: 0 };
  }

  /** Continues in one direction while that is good. */
  *#climb(from: Measurement, direction: Direction, step: number): Steps<Measurement> {
    let best = from;
    let peak = from;
    for (;;) {
      const size = this.#sizeBeyond(best.size, direction, step);
      if (size === best.size) break;
      const tried = yield* this.#measure(size, best);
      if (!(direction === 'up' ? isWorthMore(tried, best) : isEnough(tried, best, peak))) break;
      best = tried;
      if (tried.rate > peak.rate) peak = tried;
    }
    this.#size = best.size;
    return best;
  }

  #sizeBeyond(size: number, direction: Direction, step: number): number {
    if (direction === 'up') return Math.max(Math.min(Math.ceil(size * step), this.#most), size);
    return Math.min(Math.max(Math.floor(size / step), this.range.min), size);
  }

  /** Lets a size work until it is clear whether it differs from another, or that it does not. */
  *#measure(size: number, other: Measurement): Steps<Measurement> {
    this.#size = size;
    for (let settling = 0; settling < MOST_SETTLING_WINDOWS; settling += 1) {
      const { used, waiting } = yield this.#size;
      if (used <= size && (used >= size * 0.9 || waiting === 0)) break;
    }
    const measured = new Measurement(size);
    for (;;) {
      measured.add(yield this.#size);
      const { windows, completed } = measured;
      if (windows >= MOST_WINDOWS_OF_FEW_USES) return measured;
      const seen = completed >= size || windows * other.rate * 0.2 > size;
      if (!seen) continue;
      const difference = Math.abs(measured.rate - other.rate);
      const error = Math.hypot(measured.rateError, other.rateError);
      // One window shows that a size is much worse, and not how much better one is.
      const clear = difference > SIGNIFICANT * error + ALLOWED_LOSS * other.rate;
      if (windows >= MOST_WINDOWS || (clear && (windows > 1 || measured.rate < MUCH_WORSE * other.rate))) return measured;
    }
  }
}

/** More entries stay when they end more uses, or when callers are served sooner. */
function isWorthMore(more: Measurement, fewer: Measurement): boolean {
  const gain = more.rate / fewer.rate - 1;
  const doublings = Math.log2(more.size / fewer.size);
  const error = Math.hypot(more.rateError, fewer.rateError) / fewer.rate;
  if (gain >= Math.max(WORTHWHILE_GAIN * doublings, LEAST_GAIN, LIKELY * error)) return true;
  return gain >= -ALLOWED_LOSS && more.responseMs <= SOONER * fewer.responseMs;
}

/** Fewer entries stay when they end as many uses as the best size, and keep callers no longer. */
function isEnough(fewer: Measurement, more: Measurement, peak: Measurement): boolean {
  return fewer.rate >= peak.rate * (1 - ALLOWED_LOSS) && fewer.responseMs <= LATER * more.responseMs;
}

function restarted(measurement: Measurement, window: UseWindow): Measurement {
  const again = new Measurement(measurement.size);
  again.add(window);
  return again;
}
