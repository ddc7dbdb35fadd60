/** Any number of deadlines on one timer. */

import { type Clock, LONGEST_TIMER_MS, type Timer } from '../contract/index.js';
import { inRootContext } from './context.js';
import { callListener } from './throw-later.js';

/**
 * Deadlines are rounded up to a multiple of this, so that thousands of waiters share one bucket and one timer.
 * A deadline therefore passes up to this much late, and never early.
 */
const GRANULE_MS = 16;

/** Something that has a moment by which it must be over. A link of the queue itself: scheduling allocates nothing. */
export abstract class Deadline {
  /** @internal */ bucket: Bucket | undefined = undefined;
  /** @internal */ earlier: Deadline | undefined = undefined;
  /** @internal */ later: Deadline | undefined = undefined;

  /**
   * The moment has passed. Called once, after the deadline was taken out of its queue.
   *
   * @param lateMs how long ago
   */
  abstract expire(now: number, lateMs: number): void;
}

/** The deadlines of one granule, in order of arrival. */
class Bucket {
  first: Deadline | undefined = undefined;
  last: Deadline | undefined = undefined;

  constructor(readonly tick: number) {}
}

/** Holds deadlines that never pass, so that they too count as pending. */
const NEVER = Number.POSITIVE_INFINITY;

/**
 * Any number of absolute deadlines on one timer. Adding and removing take constant time, however many there are: a map from
 * granule to a linked list. Only the timer looks at the buckets (not at the deadlines in them) to find the next one.
 *
 * With `holdsProcess`, pending deadlines keep the process alive, also those that never pass: a caller waits for each.
 */
export class DeadlineQueue {
  readonly #clock: Clock;
  readonly #holdsProcess: boolean;
  readonly #buckets = new Map<number, Bucket>();
  #recent: Bucket | undefined = undefined;
  #size = 0;
  #timer: Timer | undefined = undefined;
  #timerTick = NEVER;

  constructor(clock: Clock, { holdsProcess }: { holdsProcess: boolean }) {
    this.#clock = clock;
    this.#holdsProcess = holdsProcess;
  }

  /** How many deadlines are pending. */
  get size(): number {
    return this.#size;
  }

  /** Precondition: `deadline` is in no queue. `dueAt` is in the clock's milliseconds; `Infinity` never passes. */
  add(deadline: Deadline, dueAt: number): void {
    const tick = Math.ceil(dueAt / GRANULE_MS);
    let bucket = this.#recent;
    if (bucket === undefined || bucket.tick !== tick) {
      bucket = this.#buckets.get(tick);
      if (bucket === undefined) {
        bucket = new Bucket(tick);
        this.#buckets.set(tick, bucket);
      }
      this.#recent = bucket;
    }
    deadline.bucket = bucket;
    deadline.earlier = bucket.last;
    if (bucket.last === undefined) bucket.first = deadline;
    else bucket.last.later = deadline;
    bucket.last = deadline;
    this.#size += 1;
    if (tick < this.#timerTick || this.#timer === undefined) this.#arm(tick);
    else if (this.#size === 1 && this.#holdsProcess) this.#timer.ref();
  }

  /** Takes a deadline out; does nothing when it has passed or was never added. */
  remove(deadline: Deadline): void {
    const bucket = deadline.bucket;
    if (bucket === undefined) return;
    const { earlier, later } = deadline;
    if (earlier === undefined) bucket.first = later;
    else earlier.later = later;
    if (later === undefined) bucket.last = earlier;
    else later.earlier = earlier;
    deadline.bucket = undefined;
    deadline.earlier = undefined;
    deadline.later = undefined;
    if (bucket.first === undefined) this.#drop(bucket);
    this.#size -= 1;
    // The timer stays set: in a busy pool the next deadline is a moment away, and setting timers is what costs.
    if (this.#size === 0 && this.#holdsProcess) this.#timer?.unref();
  }

  /** Forgets the timer. Deadlines that are still pending never pass. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerTick = NEVER;
  }

  #drop(bucket: Bucket): void {
    this.#buckets.delete(bucket.tick);
    if (this.#recent === bucket) this.#recent = undefined;
  }

  #arm(tick: number): void {
    this.#timer?.cancel();
    this.#timerTick = tick;
    const delayMs = Math.min(tick * GRANULE_MS - this.#clock.now(), LONGEST_TIMER_MS);
    // It serves all, and stays set when its first caller is long gone.
    this.#timer = inRootContext(() =>
      this.#clock.setTimer((readUntil) => this.#onTimer(this.#clock.now(), readUntil), Math.max(delayMs, 0)),
    );
    if (!this.#holdsProcess) this.#timer.unref();
  }

  /** What is due only now waits for the next look at the sockets: its answer may have come while other code ran. */
  #onTimer(now: number, readUntil = now): void {
    this.#timer = undefined;
    this.#timerTick = NEVER;
    let nextTick = NEVER;
    const due: Bucket[] = [];
    for (const bucket of this.#buckets.values()) {
      if (bucket.tick * GRANULE_MS <= readUntil) due.push(bucket);
      else if (bucket.tick < nextTick) nextTick = bucket.tick;
    }
    // Set first: what expires below may add deadlines.
    if (nextTick !== NEVER || this.#buckets.size > due.length) this.#arm(nextTick);
    due.sort((a, b) => a.tick - b.tick);
    for (const bucket of due) {
      for (let deadline = bucket.first; deadline !== undefined; deadline = bucket.first) {
        this.remove(deadline);
        callListener(() => deadline.expire(now, now - bucket.tick * GRANULE_MS), undefined);
      }
    }
  }
}
