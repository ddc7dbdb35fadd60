import { isAbortSignal, invalid, keepShape, LONGEST_TIMER_MS, onAbort, PoolError } from '../../engine/index.js';
import type { Mark } from '../invalidation/index.js';

/** How long a caller waits. */
export interface CallerLimits {
  /** Milliseconds; 0 = for ever. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a flight brings. */
export interface Landing {
  readonly value: unknown;
  /** It is in the cache, too: whoever gets it needs a copy. */
  readonly shared: boolean;
}

/** One loading of a key, for all callers of this process who want it. It is given up when none of them is left. */
export class Flight {
  #controller: AbortController | undefined = undefined;
  #abandoned = false;
  #landed = false;
  #waiting = 0;
  #joined = 0;
  #landing: Promise<Landing> | undefined = undefined;

  constructor(
    readonly marks: readonly Mark[],
    /** What was known of invalidations when it began. */
    readonly sequence: number,
    readonly startedAt: number,
  ) {}

  /** Nobody waits any more. */
  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** Aborts when nobody waits any more. Made when it is asked for: what Redis has needs none. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abandoned) this.#controller.abort(nobodyWaits());
    }
    return this.#controller.signal;
  }

  start(run: (flight: Flight) => Promise<Landing>): void {
    this.#landing = run(this);
    const landed = (): void => {
      this.#landed = true;
    };
    // Those who wait are told of a failure; there may be none left.
    this.#landing.then(landed, landed);
  }

  /** Keeps it going, whoever gives up. */
  hold(): void {
    this.#waiting += 1;
  }

  /** The value, and whether it is this caller's alone. */
  async join({ timeout = 0, signal }: CallerLimits): Promise<{ readonly value: unknown; readonly own: boolean }> {
    this.#waiting += 1;
    this.#joined += 1;
    try {
      const landing = this.#landing as Promise<Landing>;
      const { value, shared } = timeout === 0 && signal === undefined ? await landing : await limited(landing, timeout, signal);
      // With others, nobody gets the original: the first could change it before the next has a copy.
      return { value, own: !shared && this.#joined === 1 };
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0 && !this.#landed) this.#abandon();
    }
  }

  #abandon(): void {
    this.#abandoned = true;
    this.#controller?.abort(nobodyWaits());
  }
}

keepShape(Flight);

/** @throws PoolError `POOL_OPTION_INVALID` */
export function checkLimits({ timeout, signal }: CallerLimits): void {
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0))
    throw invalid('timeout', timeout, 'a number of milliseconds, at least 0');
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', signal, 'an AbortSignal');
}

/** The answer, unless the limits are reached before: then it rejects with `POOL_QUERY_TIMEOUT` or `POOL_ABORTED`. */
export function limited<T>(answer: Promise<T>, timeout: number, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => fail(new PoolError('POOL_ABORTED', 'The caller gave up the statement.', { cause: signal?.reason }));
    const timer =
      timeout === 0 || timeout > LONGEST_TIMER_MS
        ? undefined
        : setTimeout(
            () => fail(new PoolError('POOL_QUERY_TIMEOUT', `The statement took longer than ${Math.round(timeout)} ms and was stopped.`)),
            timeout,
          );
    const unlink = signal === undefined || signal.aborted ? undefined : onAbort(signal, giveUp);
    const end = (): void => {
      clearTimeout(timer);
      unlink?.();
    };
    const fail = (error: unknown): void => {
      end();
      reject(error);
    };
    answer.then((value) => {
      end();
      resolve(value);
    }, fail);
    if (signal?.aborted === true) giveUp();
  });
}

function nobodyWaits(): PoolError {
  return new PoolError('POOL_ABORTED', 'Nobody waits for this value any more.');
}
