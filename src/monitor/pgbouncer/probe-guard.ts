/** A breaker around the probe of PgBouncer. */

import type { PgBouncerProbe, PgBouncerReason, PgBouncerReport } from '../../probes/index.js';
import { Breaker, type BreakerEnvironment } from '../../resilience/breaker/index.js';

/** Reasons that mean that PgBouncer was not reached. A wrong password is an answer. */
const NOT_REACHED: ReadonlySet<PgBouncerReason> = new Set(['refused', 'unreachable', 'timeout']);

/** While PgBouncer does not answer, scrapes and pages get the last report again instead of a probe each. */
export class ProbeGuard {
  readonly breaker: Breaker;
  readonly #ask: PgBouncerProbe;
  #last: PgBouncerReport | undefined = undefined;

  constructor(ask: PgBouncerProbe, environment?: BreakerEnvironment) {
    this.#ask = ask;
    this.breaker = new Breaker(
      // Each probe is a login that may take seconds: pauses longer than between statements are worth it.
      { name: 'pgbouncer', consecutiveFailures: 3, failureRate: 0, shortestOpen: 2_000, longestOpen: 15_000, probeTimeout: 60_000 },
      environment,
    );
  }

  async probe(): Promise<PgBouncerReport> {
    const refusal = this.breaker.refusal();
    if (refusal !== undefined && this.#last !== undefined) {
      return Object.freeze({
        ...this.#last,
        message: `${this.#last.message} The monitor does not ask again until the breaker lets a probe through.`,
      });
    }
    const report = await this.#ask();
    this.#last = report;
    if (NOT_REACHED.has(report.reason)) this.breaker.failed(Object.assign(new Error(report.message), { code: report.reason }), 0);
    else this.breaker.succeeded(0);
    return report;
  }
}
