/** Retries: their schedule and their budget. */

export { RetryBudget, type RetryBudgetOptions } from './retry-budget.js';
export { retry, type RetryEnvironment, type RetryOptions, RetrySchedule, type RetryTiming, retryTimingTable } from './retry.js';
