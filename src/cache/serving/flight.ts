/** One loading of a key that all callers of this process share. It is abandoned when the last of them gives up. */
import { keepShape, PoolError } from '../../engine/index.js';
import { type CallerLimits, type Wanted, withinLimits } from '../contract/index.js';
import type { Mark } from '../invalidation/index.js';

/** What a flight brings. */
export interface Landing {
  readonly value: unknown;
  /** The cache holds this very object: a caller needs a copy. */
  readonly shared: boolean;
}

/** What one caller of a flight gets. */
export interface Arrival {
  readonly value: unknown;
  /** No other caller and no tier has this object, so the caller needs no copy. */
  readonly own: boolean;
}

export class Flight {
  #controller: AbortController | undefined = undefined;
  #abandoned = false;
  #landed = false;
  #waiting = 0;
  #joined = 0;
  #landing: Promise<Landing> | undefined = undefined;

  constructor(
    readonly marks: readonly Mark[],
    /** The sequence of invalidations when the loading began. */
    readonly sequence: number,
    readonly startedAt: number,
  ) {}

  /** No caller waits any more. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** Aborts when no caller waits any more. Made on demand: a value that Redis has needs no signal. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abandoned) this.#controller.abort(abandonedError());
    }
    return this.#controller.signal;
  }

  start(run: (flight: Flight) => Promise<Landing>): void {
    this.#landing = run(this);
    const landed = (): void => {
      this.#landed = true;
    };
    // Callers get the failure from `join`. There may be none left, and then it is no unhandled rejection.
    this.#landing.then(landed, landed);
  }

  /** Keeps the loading alive when every caller has given up. */
  holdOpen(): void {
    this.#waiting += 1;
  }

  /** Waits for the value, within the limits of one caller. Precondition: it was started. */
  async join(limits: CallerLimits, wanted: Wanted): Promise<Arrival> {
    const { timeout = 0, signal } = limits;
    this.#waiting += 1;
    this.#joined += 1;
    try {
      const landing = this.#landing as Promise<Landing>;
      const { value, shared } = timeout === 0 && signal === undefined ? await landing : await withinLimits(landing, limits, wanted);
      // With several callers, none gets the original: the first could change it before the next has a copy.
      return { value, own: !shared && this.#joined === 1 };
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0 && !this.#landed) this.#abandon();
    }
  }

  #abandon(): void {
    this.#abandoned = true;
    this.#controller?.abort(abandonedError());
  }
}

keepShape(Flight);

function abandonedError(): PoolError {
  return new PoolError('POOL_ABORTED', 'No caller waits for this value any more.');
}
