/** When a member renews. */

/** Renewals in a lease while nothing changes: two may be lost before the lease ends. */
const RENEWALS = 3;

/** How often at most a member renews when it has a reason: a part of the lease. */
const HURRIED = 1 / 20;

/** What makes a member renew soon: connections to come or given back, a sample that waits for its report, callers that wait. */
export interface Hurry {
  readonly due: number;
  readonly soon: boolean;
  readonly counting: boolean;
  /** Callers wait at the ceiling, more of them than the last request said. */
  readonly waiting: boolean;
}

/** Milliseconds from one request to the next, with a fifth of jitter so that members do not march in step. `random` is in [0, 1). */
export function renewalInMs(leaseMs: number, { due, soon, counting, waiting }: Hurry, random: number): number {
  const part = due > 0 || soon || counting || waiting ? HURRIED : 1 / RENEWALS;
  return leaseMs * part * (0.8 + 0.2 * random);
}
