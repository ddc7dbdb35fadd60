/** Policies over calls: circuit breakers, retries, deadlines. */

export {
  Breaker,
  type BreakerChange,
  type BreakerEnvironment,
  type BreakerOptions,
  type BreakerSettings,
  type BreakerSnapshot,
  type BreakerState,
  type Verdict,
} from './breaker/index.js';
export { currentDeadline, throwIfOver, type WorkDeadline, withDeadline } from './deadline/index.js';
export { retry, RetryBudget, type RetryBudgetOptions, type RetryEnvironment, type RetryOptions, type RetryTiming } from './retry/index.js';
