import {
  type Clock,
  codeOf,
  invalid,
  messageOf,
  PoolError,
  type PoolErrorDetails,
  type RandomSource,
  refuseUnknownOptions,
  resolveFromTable,
  systemClock,
} from '../../engine/contract/index.js';
import { callListener, throwLater } from '../../engine/waiting/index.js';
import { type BreakerOptions, breakerOptionTable, type ResolvedBreakerOptions } from './breaker-options.js';
import { CallWindow } from './call-window.js';
import { currentDeadline, throwIfOver } from '../deadline/deadline.js';

/** `isolated`: held open by somebody until they let go. */
export type BreakerState = 'closed' | 'open' | 'half-open' | 'isolated';

/**
 * What an error says about whoever was called. `failed`: not reached, or too late. `answered`: it works, and did not like what it was
 * asked. `nothing`: the caller gave up by itself.
 */
export type Verdict = 'failed' | 'answered' | 'nothing';

/** A breaker has changed its state. */
export interface BreakerChange {
  readonly breaker: string;
  readonly from: BreakerState;
  readonly to: BreakerState;
  /** What opened it, in words. */
  readonly reason: string | null;
  /** When it lets the next call through, in milliseconds from now; null unless it is open. */
  readonly nextProbeInMs: number | null;
}

/** A breaker at one moment. Counters only grow. */
export interface BreakerSnapshot {
  readonly name: string;
  readonly state: BreakerState;
  /** How long it has been in this state; 0 when it was never in another. */
  readonly inStateForMs: number;
  /** While open: when it lets the next call through; 0 = the next call is let through. Null in other states. */
  readonly nextProbeInMs: number | null;
  /** What opened it last, in words; null while it is closed. */
  readonly reason: string | null;
  /** The last failure. */
  readonly lastFailure: { readonly code: string; readonly message: string; readonly agoMs: number } | null;
  /** Calls in the window that rates are made of. */
  readonly window: { readonly calls: number; readonly failures: number; readonly slow: number };
  readonly successes: number;
  readonly failures: number;
  /** Calls that took `slowCallTime` or longer; they are successes or failures too. */
  readonly slowCalls: number;
  /** Calls that were refused while it was not closed. */
  readonly refused: number;
  /** How often it has gone into each state. */
  readonly transitions: Readonly<Record<BreakerState, number>>;
}

/** What a breaker takes. */
export interface BreakerSettings extends BreakerOptions {
  /** Name of the breaker in errors, statistics and metrics. Default: 'breaker'. */
  readonly name?: string;
  /** What an error of a call says. Default: errors count as failures, except those of an abort. */
  readonly verdict?: (error: unknown) => Verdict;
}

/** Time and chance, for tests and simulation. */
export interface BreakerEnvironment {
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

/** State as a union: each carries what only it needs. */
type State =
  | { readonly kind: 'closed' }
  | { readonly kind: 'open'; readonly until: number }
  /** `admitted` probes have not told yet; at `renewAt` they are taken for lost. */
  | { readonly kind: 'half-open'; admitted: number; succeeded: number; renewAt: number }
  | { readonly kind: 'isolated' };

/** Moments are told apart to this, in milliseconds: a duration and the end of it do not give back its beginning to the last bit. */
const TOLERANCE_MS = 0.001;

const CLOSED: State = { kind: 'closed' };
const ISOLATED: State = { kind: 'isolated' };

/**
 * A circuit breaker: while calls fail it refuses them at once, and lets a few through from time to time to see whether that has changed.
 *
 * It has no timer and wraps no promise: whoever calls asks {@link refusal} before, and tells {@link succeeded}, {@link failed} or
 * {@link gaveUp} after. {@link execute} does all of it. Outcomes of calls that began before the last change of state say nothing about
 * now, and do not count.
 *
 * @example
 * ```ts
 * const breaker = new Breaker({ name: 'rates', consecutiveFailures: 5 });
 * const rates = await breaker.execute(() => fetchRates(), { fallback: () => lastKnownRates });
 * ```
 */
export class Breaker {
  readonly name: string;
  readonly options: ResolvedBreakerOptions;
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #verdict: (error: unknown) => Verdict;
  readonly #window: CallWindow;
  readonly #slowFrom: number;
  readonly #listeners = new Set<(change: BreakerChange) => void>();
  readonly #transitions: Record<BreakerState, number> = { closed: 0, open: 0, 'half-open': 0, isolated: 0 };
  #state: State = CLOSED;
  #changedAt = Number.NEGATIVE_INFINITY;
  #openMs: number;
  #inARow = 0;
  #successes = 0;
  #failures = 0;
  #slowCalls = 0;
  #refused = 0;
  #holders = 0;
  #reason: string | null = null;
  #lastFailure: { readonly error: unknown; readonly at: number } | undefined = undefined;

  /** @throws PoolError `POOL_OPTION_INVALID` */
  constructor(settings: BreakerSettings = {}, { clock = systemClock, random = Math.random }: BreakerEnvironment = {}) {
    const { name = 'breaker', verdict = verdictOfError, ...options } = settings;
    if (typeof name !== 'string' || name === '') throw invalid('name', name, 'a text that is not empty');
    if (typeof verdict !== 'function') throw invalid('verdict', verdict, 'a function');
    this.name = name;
    this.options = resolveBreakerOptions(options);
    this.#verdict = verdict;
    this.#clock = clock;
    this.#random = random;
    this.#window = new CallWindow(this.options.window);
    this.#slowFrom = this.options.slowCallTime > 0 ? this.options.slowCallTime : Number.POSITIVE_INFINITY;
    this.#openMs = this.options.shortestOpen;
  }

  get state(): BreakerState {
    return this.#state.kind;
  }

  /** Whether calls go through without being asked about. */
  get closed(): boolean {
    return this.#state === CLOSED;
  }

  /** Calls in the window that rates are made of. */
  get recentCalls(): number {
    this.#window.advance(this.#clock.now());
    return this.#window.calls;
  }

  /**
   * Why a call must not be made now. Nothing: make it, and tell how it went; while half-open it is one of the probes.
   *
   * @param details what else the error should tell
   * @returns PoolError `POOL_BREAKER_OPEN`
   */
  refusal(details?: () => PoolErrorDetails): PoolError | undefined {
    return this.#state === CLOSED || this.#admits(this.#clock.now()) ? undefined : this.openError(details);
  }

  /** The error of a call that is refused now. Counts it. */
  openError(details?: () => PoolErrorDetails): PoolError {
    this.#refused += 1;
    const now = this.#clock.now();
    const nextProbeInMs = this.#nextProbeInMs(now);
    const cause = this.#lastFailure?.error;
    const message = `Breaker '${this.name}' is ${this.state}: ${this.#reason ?? 'no reason was given'}${nextProbe(nextProbeInMs)}.`;
    return new PoolError('POOL_BREAKER_OPEN', message, {
      ...details?.(),
      ...(cause === undefined ? {} : { cause }),
      ...(nextProbeInMs === null ? {} : { retryInMs: nextProbeInMs }),
    });
  }

  /** A call has been answered. `durationMs`: how long that took. */
  succeeded(durationMs: number, now = this.#clock.now()): void {
    this.#successes += 1;
    const slow = durationMs >= this.#slowFrom;
    if (slow) this.#slowCalls += 1;
    if (this.#isOutdated(durationMs, now)) return;
    if (this.#state === CLOSED) {
      this.#inARow = 0;
      this.#window.note(false, slow, now);
      if (slow && this.#tooManySlow()) this.#open(`${this.#window.slow} of ${this.#window.calls} calls were slow`, now);
    } else if (this.#state.kind === 'half-open') {
      this.#probeAnswered(this.#state, slow, now);
    }
  }

  /**
   * A call has failed.
   *
   * @param retryInMs when whoever calls will try again by itself; default: the breaker's own delay, longer each time
   */
  failed(error: unknown, durationMs: number, now = this.#clock.now(), retryInMs?: number): void {
    this.#failures += 1;
    const slow = durationMs >= this.#slowFrom;
    if (slow) this.#slowCalls += 1;
    if (this.#isOutdated(durationMs, now)) return;
    this.#lastFailure = { error, at: now };
    if (this.#state === CLOSED) {
      this.#inARow += 1;
      this.#window.note(true, slow, now);
      const reason = this.#tooManyFailed();
      if (reason !== undefined) this.#open(`${reason}; the last error: ${messageOf(error)} (${codeOf(error)})`, now, retryInMs);
    } else if (this.#state.kind === 'half-open') {
      this.#open(`a probe failed: ${messageOf(error)} (${codeOf(error)})`, now, retryInMs);
    }
  }

  /** A call that was let through ended without saying anything about whom it called: another may take its place. */
  gaveUp(): void {
    if (this.#state.kind === 'half-open' && this.#state.admitted > 0) this.#state.admitted -= 1;
  }

  /** Somebody else has decided that it is time for the next probe, and makes it: nobody else is let through meanwhile. */
  probing(): void {
    if (this.#state.kind !== 'open' && this.#state.kind !== 'half-open') return;
    const now = this.#clock.now();
    const state = this.#state.kind === 'open' ? this.#halfOpen(now) : this.#state;
    state.admitted = this.options.probes;
    state.renewAt = now + this.options.probeTimeout;
  }

  /**
   * Makes a call through the breaker.
   *
   * @param options.fallback answers when the breaker refuses the call
   * @throws PoolError `POOL_BREAKER_OPEN`; what the call throws
   */
  async execute<T>(call: () => T | Promise<T>, options: { readonly fallback?: (error: PoolError) => T | Promise<T> } = {}): Promise<T> {
    throwIfOver(currentDeadline(), 'POOL_QUERY_TIMEOUT', 'the call was made');
    const refusal = this.refusal();
    if (refusal !== undefined) {
      if (options.fallback === undefined) throw refusal;
      return await options.fallback(refusal);
    }
    const startedAt = this.#clock.now();
    try {
      const result = await call();
      this.#told('answered', undefined, startedAt);
      return result;
    } catch (error) {
      this.#told(this.#verdictOf(error), error, startedAt);
      throw error;
    }
  }

  /** Opens it now; it comes back by itself, as after failures. */
  open(reason = 'opened by hand'): void {
    if (this.#state.kind === 'closed' || this.#state.kind === 'half-open') this.#open(reason, this.#clock.now());
  }

  /** Closes it now, whatever it was, and whoever holds it open. */
  close(): void {
    this.#holders = 0;
    if (this.#state !== CLOSED) this.#close(this.#clock.now());
  }

  /** Holds it open until the returned function is called, by everybody who holds it. */
  isolate(reason = 'isolated by hand'): () => void {
    this.#holders += 1;
    if (this.#state !== ISOLATED) {
      this.#reason = reason;
      this.#enter(ISOLATED, this.#clock.now());
    }
    const episode = this.#transitions.isolated;
    let held = true;
    return () => {
      if (!held || this.#state !== ISOLATED || episode !== this.#transitions.isolated) return;
      held = false;
      this.#holders -= 1;
      if (this.#holders === 0) this.#close(this.#clock.now());
    };
  }

  /** Calls `listener` at each change of state, until the returned function is called. */
  onChange(listener: (change: BreakerChange) => void): () => void {
    const own = (change: BreakerChange): void => listener(change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  snapshot(): BreakerSnapshot {
    const now = this.#clock.now();
    if (now < this.#changedAt) this.#stepBack(now);
    this.#window.advance(now);
    const { calls, failures, slow } = this.#window;
    const last = this.#lastFailure;
    return Object.freeze({
      name: this.name,
      state: this.state,
      inStateForMs: this.#changedAt === Number.NEGATIVE_INFINITY ? 0 : Math.max(now - this.#changedAt, 0),
      nextProbeInMs: this.#nextProbeInMs(now),
      reason: this.#reason,
      lastFailure:
        last === undefined
          ? null
          : Object.freeze({ code: codeOf(last.error), message: messageOf(last.error), agoMs: Math.max(now - last.at, 0) }),
      window: Object.freeze({ calls, failures, slow }),
      successes: this.#successes,
      failures: this.#failures,
      slowCalls: this.#slowCalls,
      refused: this.#refused,
      transitions: Object.freeze({ ...this.#transitions }),
    });
  }

  /** It began before the last change of state: it says nothing about now. */
  #isOutdated(durationMs: number, now: number): boolean {
    if (now < this.#changedAt) this.#stepBack(now);
    return now - durationMs < this.#changedAt - TOLERANCE_MS;
  }

  /** A verdict that fails must not take the place of the error that it is about. */
  #verdictOf(error: unknown): Verdict {
    try {
      return this.#verdict(error);
    } catch (failure) {
      throwLater(failure);
      return 'failed';
    }
  }

  #told(verdict: Verdict, error: unknown, startedAt: number): void {
    const now = this.#clock.now();
    if (verdict === 'answered') this.succeeded(now - startedAt, now);
    else if (verdict === 'failed') this.failed(error, now - startedAt, now);
    else if (!this.#isOutdated(now - startedAt, now)) this.gaveUp();
  }

  /** Precondition: it is not closed. */
  #admits(now: number): boolean {
    if (now < this.#changedAt) this.#stepBack(now);
    if (this.#state.kind === 'isolated') return false;
    if (this.#state.kind === 'open') {
      if (now < this.#state.until) return false;
      this.#halfOpen(now);
    }
    // A listener may have changed it again.
    const state = this.#state as State;
    if (state.kind !== 'half-open') return state.kind === 'closed';
    // Either the probes have had their time, or the clock was stepped back since they began.
    if (now >= state.renewAt || now < state.renewAt - this.options.probeTimeout - TOLERANCE_MS) {
      state.admitted = 0;
      state.renewAt = now + this.options.probeTimeout;
    }
    if (state.admitted + state.succeeded >= this.options.probes) return false;
    state.admitted += 1;
    return true;
  }

  /** The clock was stepped back beyond the last change: what was waited for then is waited for from now, not until that time comes again. */
  #stepBack(now: number): void {
    const stepMs = this.#changedAt - now;
    this.#changedAt = now;
    if (this.#state.kind === 'open') this.#state = { kind: 'open', until: this.#state.until - stepMs };
    else if (this.#state.kind === 'half-open') this.#state.renewAt -= stepMs;
  }

  #halfOpen(now: number): State & { kind: 'half-open' } {
    const state: State & { kind: 'half-open' } = {
      kind: 'half-open',
      admitted: 0,
      succeeded: 0,
      renewAt: now + this.options.probeTimeout,
    };
    this.#enter(state, now);
    return state;
  }

  #probeAnswered(state: State & { kind: 'half-open' }, slow: boolean, now: number): void {
    if (slow) {
      this.#open('a probe was slow', now);
      return;
    }
    if (state.admitted > 0) state.admitted -= 1;
    state.succeeded += 1;
    if (state.succeeded >= this.options.probes) this.#close(now);
  }

  #close(now: number): void {
    this.#openMs = this.options.shortestOpen;
    this.#inARow = 0;
    this.#reason = null;
    this.#window.clear();
    this.#enter(CLOSED, now);
  }

  /** Each time in a row longer, with decorrelated jitter (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015). */
  #open(reason: string, now: number, retryInMs?: number): void {
    const { shortestOpen, longestOpen } = this.options;
    if (retryInMs === undefined) {
      this.#openMs = Math.min(shortestOpen + this.#random() * (this.#openMs * 3 - shortestOpen), longestOpen);
    }
    this.#reason = reason;
    this.#enter({ kind: 'open', until: now + (retryInMs ?? this.#openMs) }, now);
  }

  #tooManyFailed(): string | undefined {
    const { consecutiveFailures, failureRate, minimumCalls } = this.options;
    if (consecutiveFailures > 0 && this.#inARow >= consecutiveFailures) return `${this.#inARow} calls in a row failed`;
    const { calls, failures } = this.#window;
    const tooMany = failureRate > 0 && calls >= minimumCalls && failures * 100 >= failureRate * calls;
    if (tooMany) return `${failures} of ${calls} calls failed`;
    return this.#tooManySlow() ? `${this.#window.slow} of ${calls} calls were slow` : undefined;
  }

  #tooManySlow(): boolean {
    const { calls, slow } = this.#window;
    return slow > 0 && calls >= this.options.minimumCalls && slow * 100 >= this.options.slowCallRate * calls;
  }

  #nextProbeInMs(now: number): number | null {
    return this.#state.kind === 'open' ? Math.max(this.#state.until - now, 0) : null;
  }

  #enter(state: State, now: number): void {
    const from = this.state;
    this.#state = state;
    this.#changedAt = now;
    this.#transitions[state.kind] += 1;
    if (this.#listeners.size === 0) return;
    const change = Object.freeze({
      breaker: this.name,
      from,
      to: state.kind,
      reason: this.#reason,
      nextProbeInMs: this.#nextProbeInMs(now),
    });
    for (const listener of this.#listeners) callListener(listener, change);
  }
}

/**
 * Checks the options of a breaker and fills in the defaults.
 *
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function resolveBreakerOptions(given: BreakerOptions): ResolvedBreakerOptions {
  refuseUnknownOptions(given, Object.keys(breakerOptionTable));
  const resolved = resolveFromTable(breakerOptionTable, given) as unknown as { -readonly [K in keyof BreakerOptions]-?: number };
  // Only what somebody asked for can contradict: a default gives way.
  if (given.longestOpen === undefined) resolved.longestOpen = Math.max(resolved.longestOpen, resolved.shortestOpen);
  if (given.shortestOpen === undefined) resolved.shortestOpen = Math.min(resolved.longestOpen, resolved.shortestOpen);
  const { shortestOpen, longestOpen } = resolved;
  if (shortestOpen > longestOpen) {
    throw new PoolError('POOL_OPTION_INVALID', `shortestOpen (${shortestOpen}) must not be above longestOpen (${longestOpen}).`);
  }
  return Object.freeze(resolved);
}

function verdictOfError(error: unknown): Verdict {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  return name === 'AbortError' || code === 'ABORT_ERR' || code === 'POOL_ABORTED' ? 'nothing' : 'failed';
}

function nextProbe(nextProbeInMs: number | null): string {
  if (nextProbeInMs === null) return '';
  return `. The next call is let through in ${Math.ceil(nextProbeInMs)} ms`;
}
