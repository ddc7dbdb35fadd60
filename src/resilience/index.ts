export {
  Breaker,
  type BreakerChange,
  type BreakerEnvironment,
  type BreakerSettings,
  type BreakerSnapshot,
  type BreakerState,
  type Verdict,
} from './breaker.js';
export type { BreakerOptions } from './breaker-options.js';
