/** The circuit breaker: its states, and what moves it from one to another. */

import { type Clock, codeOf, invalid, messageOf, PoolError, type PoolErrorDetails, systemClock } from '../../engine/contract/index.js';
import { callListener, ignoreRejection, inThisContext, throwLater } from '../../engine/waiting/index.js';
import { currentDeadline, throwIfOver } from '../deadline/index.js';
import { type ResolvedBreakerOptions, resolveBreakerOptions } from './breaker-options.js';
import type { BreakerChange, BreakerEnvironment, BreakerSettings, BreakerSnapshot, BreakerState, Verdict } from './breaker-types.js';
import { CallWindow } from './call-window.js';
import { OpenTime } from './open-time.js';
import { type OpeningStrategy, openingStrategies } from './opening-strategy.js';
import { Probes, TOLERANCE_MS } from './probes.js';

/** Each state carries only what it needs. */
type State =
  | { readonly kind: 'closed' }
  | { readonly kind: 'open'; readonly until: number }
  | HalfOpen
  /** `holders`: how many hold it open. */
  | { readonly kind: 'isolated'; holders: number };

interface HalfOpen {
  readonly kind: 'half-open';
  readonly probes: Probes;
}

const CLOSED: State = { kind: 'closed' };

/**
 * A circuit breaker: while calls fail it refuses them at once, and lets a few through from time to time to see whether that has changed.
 *
 * It has no timer and wraps no promise: a caller asks {@link refusal} before a call, and reports {@link succeeded}, {@link failed} or
 * {@link gaveUp} after it. {@link execute} does all of it. Outcomes of calls that began before the last change of state say nothing about
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
  readonly #verdict: (error: unknown) => Verdict;
  readonly #window: CallWindow;
  readonly #strategies: readonly OpeningStrategy[];
  readonly #openTime: OpenTime;
  readonly #slowFrom: number;
  readonly #listeners = new Set<(change: BreakerChange) => void>();
  readonly #transitions: Record<BreakerState, number> = { closed: 0, open: 0, 'half-open': 0, isolated: 0 };
  #state: State = CLOSED;
  #changedAt = Number.NEGATIVE_INFINITY;
  #successes = 0;
  #failures = 0;
  #slowCalls = 0;
  #refused = 0;
  #reason: string | null = null;
  #lastFailure: { readonly error: unknown; readonly at: number } | undefined = undefined;

  /** @throws PoolError `POOL_OPTION_INVALID` */
  constructor(settings: BreakerSettings = {}, { clock = systemClock, random = Math.random }: BreakerEnvironment = {}) {
    const { name = 'breaker', verdict = verdictOfError, ...options } = settings;
    if (typeof name !== 'string' || name === '') throw invalid('name', name, 'a string that is not empty');
    if (typeof verdict !== 'function') throw invalid('verdict', verdict, 'a function');
    this.name = name;
    this.options = resolveBreakerOptions(options);
    this.#verdict = verdict;
    this.#clock = clock;
    this.#window = new CallWindow(this.options.window);
    this.#strategies = openingStrategies(this.options, this.#window);
    this.#openTime = new OpenTime(this.options, random);
    this.#slowFrom = this.options.slowCallTime > 0 ? this.options.slowCallTime : Number.POSITIVE_INFINITY;
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
   * Why a call must not be made now. Nothing: make it, and report its outcome; while half-open it is one of the probes.
   *
   * @param details what else the error carries
   * @returns PoolError `POOL_BREAKER_OPEN`
   */
  refusal(details?: () => PoolErrorDetails): PoolError | undefined {
    return this.#state === CLOSED || this.#admits(this.#clock.now()) ? undefined : this.openError(details);
  }

  /** How many calls it has refused. */
  get refused(): number {
    return this.#refused;
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
      this.#window.note(false, slow, now);
      const reason = this.#reasonAfterSuccess(slow);
      if (reason !== undefined) this.#open(reason, now);
    } else if (this.#state.kind === 'half-open') {
      this.#noteProbeAnswer(this.#state, slow, now);
    }
  }

  /**
   * A call has failed.
   *
   * @param retryInMs when the caller will try again by itself; default: the breaker's own delay, longer each time
   */
  failed(error: unknown, durationMs: number, now = this.#clock.now(), retryInMs?: number): void {
    this.#failures += 1;
    const slow = durationMs >= this.#slowFrom;
    if (slow) this.#slowCalls += 1;
    if (this.#isOutdated(durationMs, now)) return;
    this.#lastFailure = { error, at: now };
    if (this.#state === CLOSED) {
      this.#window.note(true, slow, now);
      const reason = this.#reasonAfterFailure();
      if (reason !== undefined) this.#open(`${reason}; the last error: ${messageOf(error)} (${codeOf(error)})`, now, retryInMs);
    } else if (this.#state.kind === 'half-open') {
      this.#open(`a probe failed: ${messageOf(error)} (${codeOf(error)})`, now, retryInMs);
    }
  }

  /** @internal A call has failed for a reason of its own, which says nothing about the party that it called, except where slow calls count. */
  failedAlone(durationMs: number, now = this.#clock.now()): void {
    this.#failures += 1;
    const slow = durationMs >= this.#slowFrom;
    if (slow) this.#slowCalls += 1;
    if (this.#isOutdated(durationMs, now)) return;
    if (this.#state !== CLOSED) {
      this.gaveUp();
      return;
    }
    this.#window.note(false, slow, now);
    const reason = slow ? this.#reasonAfterSuccess(slow) : undefined;
    if (reason !== undefined) this.#open(reason, now);
  }

  /** @internal The party that was called has proved that it is there: the calls in the window that failed had reasons of their own. */
  acquit(): void {
    this.#window.acquit();
  }

  /** A call that was let through ended without a verdict on the party that it called: another may take its place. */
  gaveUp(): void {
    if (this.#state.kind === 'half-open') this.#state.probes.noteGivenUp();
  }

  /** The caller has decided by itself that it is time for the next probe, and makes it: no other call is let through meanwhile. */
  probing(): void {
    if (this.#state.kind !== 'open' && this.#state.kind !== 'half-open') return;
    const now = this.#clock.now();
    const state = this.#state.kind === 'open' ? this.#halfOpen(now) : this.#state;
    state.probes.occupy(now);
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
      this.#noteOutcome('answered', undefined, startedAt);
      return result;
    } catch (error) {
      this.#noteOutcome(this.#verdictOf(error), error, startedAt);
      throw error;
    }
  }

  /** Opens it now; it comes back by itself, as after failures. */
  open(reason = 'opened manually'): void {
    if (this.#state.kind === 'closed' || this.#state.kind === 'half-open') this.#open(reason, this.#clock.now());
  }

  /** Closes it now from any state, even while it is held open. */
  close(): void {
    if (this.#state !== CLOSED) this.#close(this.#clock.now());
  }

  /** Holds it open until the returned function is called. With several holders, until all have let go. */
  isolate(reason = 'isolated manually'): () => void {
    let state = this.#state;
    if (state.kind === 'isolated') {
      state.holders += 1;
    } else {
      state = { kind: 'isolated', holders: 1 };
      this.#reason = reason;
      this.#enterState(state, this.#clock.now());
    }
    const isolated = state;
    let held = true;
    return () => {
      // It may have been closed manually meanwhile, and isolated again.
      if (!held || this.#state !== isolated) return;
      held = false;
      isolated.holders -= 1;
      if (isolated.holders === 0) this.#close(this.#clock.now());
    };
  }

  /** Calls `listener` at each change of state, until the returned function is called. */
  onChange(listener: (change: BreakerChange) => void): () => void {
    const own = inThisContext((change: BreakerChange): void => listener(change));
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
      const verdict = this.#verdict(error);
      return ignoreRejection(verdict) ? 'nothing' : verdict;
    } catch (failure) {
      throwLater(failure);
      return 'failed';
    }
  }

  #noteOutcome(verdict: Verdict, error: unknown, startedAt: number): void {
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
    return state.probes.admit(now);
  }

  /** The clock was stepped back beyond the last change: what was waited for then is waited for from now, not until that time comes again. */
  #stepBack(now: number): void {
    const stepMs = this.#changedAt - now;
    this.#changedAt = now;
    if (this.#state.kind === 'open') this.#state = { kind: 'open', until: this.#state.until - stepMs };
    else if (this.#state.kind === 'half-open') this.#state.probes.stepBack(stepMs);
  }

  #halfOpen(now: number): HalfOpen {
    const { probes, probeTimeout } = this.options;
    const state: HalfOpen = { kind: 'half-open', probes: new Probes(probes, probeTimeout, now) };
    this.#enterState(state, now);
    return state;
  }

  #noteProbeAnswer({ probes }: HalfOpen, slow: boolean, now: number): void {
    if (slow) this.#open('a probe was slow', now);
    else if (probes.noteSuccess()) this.#close(now);
  }

  #close(now: number): void {
    this.#openTime.reset();
    this.#reason = null;
    this.#window.clear();
    for (const strategy of this.#strategies) strategy.reset();
    this.#enterState(CLOSED, now);
  }

  #open(reason: string, now: number, retryInMs = this.#openTime.next()): void {
    this.#reason = reason;
    this.#enterState({ kind: 'open', until: now + retryInMs }, now);
  }

  /** Every strategy sees every call; the first reason counts. */
  #reasonAfterSuccess(slow: boolean): string | undefined {
    let reason: string | undefined;
    for (const strategy of this.#strategies) {
      const found = strategy.noteSuccess(slow);
      reason ??= found;
    }
    return reason;
  }

  #reasonAfterFailure(): string | undefined {
    let reason: string | undefined;
    for (const strategy of this.#strategies) {
      const found = strategy.noteFailure();
      reason ??= found;
    }
    return reason;
  }

  #nextProbeInMs(now: number): number | null {
    return this.#state.kind === 'open' ? Math.max(this.#state.until - now, 0) : null;
  }

  #enterState(state: State, now: number): void {
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

function verdictOfError(error: unknown): Verdict {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  return name === 'AbortError' || code === 'ABORT_ERR' || code === 'POOL_ABORTED' ? 'nothing' : 'failed';
}

function nextProbe(nextProbeInMs: number | null): string {
  if (nextProbeInMs === null) return '';
  return `. The next call is let through in ${Math.ceil(nextProbeInMs)} ms`;
}
