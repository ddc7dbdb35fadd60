/** The sizes that are compared: the pool's own, fixed ones, and Netflix's Gradient2 and Vegas as yardsticks. */

import type { SizeRule, UseWindow } from './simulation.js';

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

/** Gathers uses for a limit that is told of them window by window, as concurrency-limits' WindowedLimit does with its defaults. */
abstract class WindowedRule implements SizeRule {
  abstract readonly name: string;
  protected limit = DEFAULT_SIZE;
  #count = 0;
  #sumMs = 0;
  #mostUsed = 0;
  #windows = 0;

  get size(): number {
    return Math.max(Math.min(Math.floor(this.limit), RANGE.max), RANGE.min);
  }

  ended(useMs: number, used: number): void {
    this.#count += 1;
    this.#sumMs += useMs;
    this.#mostUsed = Math.max(this.#mostUsed, used);
  }

  look(): void {
    this.#windows += 1;
    // One second, and ten uses at least.
    if (this.#windows < 4 || this.#count < 10) return;
    this.change(this.#sumMs / this.#count, this.#mostUsed);
    this.limit = Math.max(Math.min(this.limit, RANGE.max), RANGE.min);
    this.#count = 0;
    this.#sumMs = 0;
    this.#mostUsed = 0;
    this.#windows = 0;
  }

  protected abstract change(useMs: number, used: number): void;
}

/** The gradient of a long average over the newest one (Netflix, concurrency-limits, Gradient2Limit, with its defaults). */
export class Gradient2 extends WindowedRule {
  readonly name = 'Gradient2';
  #longMs = 0;
  #samples = 0;

  protected change(useMs: number, used: number): void {
    this.#samples += 1;
    // A plain mean while it warms up, then an exponential average over 600 samples.
    this.#longMs += (useMs - this.#longMs) * (this.#samples <= 10 ? 1 / this.#samples : 2 / 601);
    if (this.#longMs / useMs > 2) this.#longMs *= 0.95;
    if (used < this.limit / 2) return;
    const gradient = Math.max(0.5, Math.min(1, (1.5 * this.#longMs) / useMs));
    this.limit = this.limit * 0.8 + (this.limit * gradient + 4) * 0.2;
  }
}

/** How many uses queue in the server, by the least time that one took (Netflix, concurrency-limits, VegasLimit, with its defaults). */
export class Vegas extends WindowedRule {
  readonly name = 'Vegas';
  #leastMs = 0;
  #sinceProbe = 0;

  protected change(useMs: number, used: number): void {
    this.#sinceProbe += 1;
    // It measures the least time anew from time to time.
    if (this.#leastMs === 0 || this.#sinceProbe >= 30 * this.limit || useMs < this.#leastMs) {
      this.#leastMs = useMs;
      this.#sinceProbe = 0;
      return;
    }
    if (used * 2 < this.limit) return;
    const log = Math.max(1, Math.log10(this.limit));
    const queued = Math.ceil(this.limit * (1 - this.#leastMs / useMs));
    if (queued <= log) this.limit += 6 * log;
    else if (queued < 3 * log) this.limit += log;
    else if (queued > 6 * log) this.limit -= log;
  }
}
