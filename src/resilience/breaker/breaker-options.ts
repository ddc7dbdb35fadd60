/** The options of a breaker: the one table of them, and the check. */

import { type OptionSpec, PoolError, refuseUnknownOptions, resolveFromTable } from '../../engine/contract/index.js';

/** When a breaker opens, and how it comes back. Durations are in milliseconds, rates in percent. */
export interface BreakerOptions {
  /** Opens after this many failures in a row; 0 = off. Default: 0. */
  readonly consecutiveFailures?: number;
  /** Opens when this percentage of the calls in the window failed; 0 = off. Default: 50. */
  readonly failureRate?: number;
  /** Calls that take at least this long, in milliseconds, count as slow; 0 = none does. Default: 0. */
  readonly slowCallTime?: number;
  /** Opens when this percentage of the calls in the window were slow. Default: 80. */
  readonly slowCallRate?: number;
  /** How far rates look back, in milliseconds, to within a tenth. Default: 10 000. */
  readonly window?: number;
  /** Fewer calls than this in the window are no rate. Default: 20. */
  readonly minimumCalls?: number;
  /** How long it stays open the first time, and at least, in milliseconds. Default: 100. */
  readonly shortestOpen?: number;
  /** How long it stays open at most, in milliseconds. Default: 750. */
  readonly longestOpen?: number;
  /** While half-open: how many calls are let through at once; as many successes close it. Default: 1. */
  readonly probes?: number;
  /** A probe without an outcome for so long, in milliseconds, is replaced by another. Default: 1 000. */
  readonly probeTimeout?: number;
}

export type ResolvedBreakerOptions = Required<BreakerOptions>;

const LONGEST_MS = 86_400_000;
const MOST = 1_000_000;

/** The one table of the options: validation and documentation read it. */
export const breakerOptionTable = {
  consecutiveFailures: {
    kind: 'number',
    min: 0,
    max: MOST,
    default: 0,
    about: 'The breaker opens after this many failures in a row; 0 = off.',
  },
  failureRate: {
    kind: 'number',
    min: 0,
    max: 100,
    default: 50,
    about: 'The breaker opens when this percentage of the calls in the window failed; 0 = off.',
  },
  slowCallTime: {
    kind: 'number',
    min: 0,
    max: LONGEST_MS,
    default: 0,
    about: 'A call that takes at least this many milliseconds counts as slow; 0 = no call does.',
  },
  slowCallRate: {
    kind: 'number',
    min: 1,
    max: 100,
    default: 80,
    about: 'The breaker opens when this percentage of the calls in the window were slow.',
  },
  window: {
    kind: 'number',
    min: 100,
    max: LONGEST_MS,
    default: 10_000,
    about: 'The period over which rates are computed, in milliseconds.',
  },
  minimumCalls: {
    kind: 'number',
    min: 1,
    max: MOST,
    default: 20,
    about: 'With fewer calls than this in the window, the breaker computes no rate.',
  },
  shortestOpen: {
    kind: 'number',
    min: 1,
    max: LONGEST_MS,
    default: 100,
    about: 'How long the breaker stays open the first time, and at least, in milliseconds.',
  },
  longestOpen: {
    kind: 'number',
    min: 1,
    max: LONGEST_MS,
    default: 750,
    about: 'How long the breaker stays open at most, in milliseconds.',
  },
  probes: {
    kind: 'number',
    min: 1,
    max: MOST,
    default: 1,
    about: 'How many calls a half-open breaker lets through at once. The same number of successes closes it.',
  },
  probeTimeout: {
    kind: 'number',
    min: 1,
    max: LONGEST_MS,
    default: 1_000,
    about: 'When a probe has no outcome after this many milliseconds, another call replaces it.',
  },
} as const satisfies Record<keyof BreakerOptions, OptionSpec>;

/**
 * Checks the options of a breaker and fills in the defaults.
 *
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function resolveBreakerOptions(given: BreakerOptions): ResolvedBreakerOptions {
  refuseUnknownOptions(given, Object.keys(breakerOptionTable));
  const resolved = resolveFromTable(breakerOptionTable, given) as unknown as { -readonly [K in keyof BreakerOptions]-?: number };
  // Only options that were given can contradict each other: a default gives way.
  if (given.longestOpen === undefined) resolved.longestOpen = Math.max(resolved.longestOpen, resolved.shortestOpen);
  if (given.shortestOpen === undefined) resolved.shortestOpen = Math.min(resolved.longestOpen, resolved.shortestOpen);
  const { shortestOpen, longestOpen } = resolved;
  if (shortestOpen > longestOpen) {
    throw new PoolError('POOL_OPTION_INVALID', `shortestOpen (${shortestOpen}) must not be above longestOpen (${longestOpen}).`);
  }
  return Object.freeze(resolved);
}
