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
export { retry, type RetryEnvironment, type RetryOptions, type RetryTiming } from './retry.js';
export { RetryBudget, type RetryBudgetOptions } from './retry-budget.js';
export { currentDeadline, throwIfOver, type WorkDeadline, withDeadline } from './deadline.js';
