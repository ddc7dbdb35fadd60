/** What makes a closed breaker open: a strategy sees each call that counts, and says when there were too many bad ones. */

import type { ResolvedBreakerOptions } from './breaker-options.js';
import type { CallWindow } from './call-window.js';
import { ConsecutiveFailures } from './consecutive-failures.js';
import { FailureRate } from './failure-rate.js';
import { SlowCallRate } from './slow-call-rate.js';

/** Decides, call by call, whether a closed breaker must open. The call is in the window already. */
export interface OpeningStrategy {
  /** @returns why the breaker must open, in words; nothing: it stays closed */
  noteSuccess(isSlow: boolean): string | undefined;
  /** @returns as {@link noteSuccess} */
  noteFailure(): string | undefined;
  /** The breaker is closed again: starts over. */
  reset(): void;
}

/** The strategies that the options ask for, in the order in which their reasons are given. Those that are off cost nothing. */
export function openingStrategies(options: ResolvedBreakerOptions, window: CallWindow): readonly OpeningStrategy[] {
  const { consecutiveFailures, failureRate, slowCallTime, slowCallRate, minimumCalls } = options;
  return [
    ...(consecutiveFailures > 0 ? [new ConsecutiveFailures(consecutiveFailures)] : []),
    ...(failureRate > 0 ? [new FailureRate(window, failureRate, minimumCalls)] : []),
    ...(slowCallTime > 0 ? [new SlowCallRate(window, slowCallRate, minimumCalls)] : []),
  ];
}
