/** Counts of work that was run again. */
export interface RetryCounts {
  /** Runs beside the first ones. */
  readonly retried: number;
  /** Work that succeeded after all. */
  readonly recovered: number;
  /** Work that was run again, and failed for good: its attempts or its time were used up, or the new error was final. */
  readonly exhausted: number;
  /** Work that might have been run again, had the budget not been used up. */
  readonly overBudget: number;
}

/** Counts what becomes of one kind of work. */
export class RetryTally implements RetryCounts {
  retried = 0;
  recovered = 0;
  exhausted = 0;
  overBudget = 0;

  get counts(): RetryCounts {
    const { retried, recovered, exhausted, overBudget } = this;
    return Object.freeze({ retried, recovered, exhausted, overBudget });
  }
}

/** Says on an error that the work which it ended might have been run again, had the pool's budget of retries not been used up. */
export function noteOverBudget(error: unknown): void {
  if (typeof error === 'object' && error !== null && Object.isExtensible(error)) Object.assign(error, { retryRefused: 'over-budget' });
}
