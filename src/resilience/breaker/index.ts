/** Circuit breakers. */

export { type BreakerOptions, breakerOptionTable, resolveBreakerOptions, type ResolvedBreakerOptions } from './breaker-options.js';
export type {
  BreakerChange,
  BreakerEnvironment,
  BreakerSettings,
  BreakerSnapshot,
  BreakerState,
  Verdict,
} from './breaker-types.js';
export { Breaker } from './breaker.js';
