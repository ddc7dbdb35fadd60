/** Circuit breakers. */

export { type BreakerOptions, breakerOptionTable, type ResolvedBreakerOptions } from './breaker-options.js';
export {
  Breaker,
  type BreakerChange,
  type BreakerEnvironment,
  type BreakerSettings,
  type BreakerSnapshot,
  type BreakerState,
  resolveBreakerOptions,
  type Verdict,
} from './breaker.js';
