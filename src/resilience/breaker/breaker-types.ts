/** What a breaker takes and reports: its settings, its state, its changes, its snapshot. */

import type { Clock, RandomSource } from '../../engine/contract/index.js';
import type { BreakerOptions } from './breaker-options.js';

/** `isolated`: held open until it is let go. */
export type BreakerState = 'closed' | 'open' | 'half-open' | 'isolated';

/**
 * What an error says about the party that was called. `failed`: not reached, or too late. `answered`: it works, and rejects what it was
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
