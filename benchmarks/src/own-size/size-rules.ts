/** The sizes that are compared: the pool's own, fixed ones, and Netflix's Gradient2 and Vegas as yardsticks. */

import type { UseWindow } from 'poolwright/engine';
import type { SizeRule } from './simulation.js';
import type { Random } from './workloads.js';

export const RANGE = { min: 1, max: 64 } as const;
export const DEFAULT_SIZE = 20;

export function fixedSize(size: number): SizeRule {
  return { name: `${size} connections`, size };
}

/** The pool's own rule: the engine's sizer, as sources or as it is published. */
export interface OwnSizer {
  readonly size: number;
  next(window: UseWindow): number;
}

export class OwnSize implements SizeRule {
  readonly name = 'own size';

  constructor(private readonly sizer: OwnSizer) {}

  get size(): number {
    return this.sizer.size;
  }

  look(window: UseWindow): void {
    this.sizer.next(window);
  }
}

/*
 * The yardsticks follow the rules of Netflix's concurrency-limits with their defaults, but for the bounds (README, Gradient2Limit, VegasLimit,
 * WindowedLimit; read at commit 78a74b9878d38c4c048b0304ce12a162ab7b7222, four after v0.5.4). Gradient2 gets windows, as its README has
 * it, and Vegas of each use, as it is by default.
 */

const WINDOW_MS = 1_000;
const FEWEST_IN_A_WINDOW = 10;

function bounded(limit: number): number {
  return Math.max(Math.min(limit, RANGE.max), RANGE.min);
}

/** The gradient of a long average of the time in use over the newest one. */
export class Gradient2 implements SizeRule {
  readonly name = 'Gradient2';
  #limit = DEFAULT_SIZE;
  #longMs = 0;
  #samples = 0;
  #window = { elapsedMs: 0, count: 0, sumMs: 0, mostUsed: 0 };

  get size(): number {
    return Math.floor(this.#limit);
  }

  ended(useMs: number, used: number): void {
    const window = this.#window;
    window.count += 1;
    window.sumMs += useMs;
    window.mostUsed = Math.max(window.mostUsed, used);
  }

  look({ durationMs }: UseWindow): void {
    const window = this.#window;
    window.elapsedMs += durationMs;
    if (window.elapsedMs < WINDOW_MS) return;
    this.#window = { elapsedMs: 0, count: 0, sumMs: 0, mostUsed: 0 };
    // A window of fewer is dropped.
    if (window.count >= FEWEST_IN_A_WINDOW) this.#change(window.sumMs / window.count, window.mostUsed);
  }

  #change(useMs: number, used: number): void {
    this.#samples += 1;
    // A plain mean while it warms up, then an exponential average over 600 samples.
    this.#longMs += (useMs - this.#longMs) * (this.#samples <= 10 ? 1 / this.#samples : 2 / 601);
    const longMs = this.#longMs;
    if (longMs / useMs > 2) this.#longMs *= 0.95;
    if (used < this.#limit / 2) return;
    const gradient = Math.max(0.5, Math.min(1, (1.5 * longMs) / useMs));
    this.#limit = bounded(this.#limit * 0.8 + (this.#limit * gradient + 4) * 0.2);
  }
}

/** How many uses queue in the server, by the least time that one took. */
export class Vegas implements SizeRule {
  readonly name = 'Vegas';
  #limit = DEFAULT_SIZE;
  #leastMs = 0;
  #sinceProbe = 0;
  #jitter: number;

  constructor(private readonly random: Random) {
    this.#jitter = jitterOf(random);
  }

  get size(): number {
    return this.#limit;
  }

  ended(useMs: number, used: number): void {
    this.#sinceProbe += 1;
    // The least time is measured again from time to time.
    const probes = this.#sinceProbe >= this.#jitter * 30 * this.#limit;
    if (probes) {
      this.#jitter = jitterOf(this.random);
      this.#sinceProbe = 0;
    }
    if (probes || this.#leastMs === 0 || useMs < this.#leastMs) {
      this.#leastMs = useMs;
      return;
    }
    if (used * 2 < this.#limit) return;
    const log = Math.max(1, Math.trunc(Math.log10(this.#limit)));
    const queued = Math.ceil(this.#limit * (1 - this.#leastMs / useMs));
    if (queued <= log) this.#limit = bounded(this.#limit + 6 * log);
    else if (queued < 3 * log) this.#limit = bounded(this.#limit + log);
    else if (queued > 6 * log) this.#limit = bounded(this.#limit - log);
  }
}

function jitterOf(random: Random): number {
  return 0.5 + random() / 2;
}
