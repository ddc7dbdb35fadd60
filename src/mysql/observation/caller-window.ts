/** How callers fared in the last seconds: how many were served, and how many failed. */

/** Totals since the pool was made. */
export interface CallerTotals {
  /** Callers that had a connection. */
  readonly served: number;
  /** Callers that waited for too long. */
  readonly timedOut: number;
  /** Callers that were refused, by the pool or by one of its breakers. */
  readonly refused: number;
  /** How many of the refused were refused early, so that others wait less. The pool serves as many as it can meanwhile. */
  readonly shed: number;
}

const WINDOW_SAMPLES = 10;
/** What has ended must not count any more: the last samples decide whether it has. */
const RECENT_SAMPLES = 2;
/** Fewer failures say little about a pool. */
const LEAST_FAILURES = 5;
const WARN_PERCENT = 1;

/** The totals of the last samples, one a second. */
export class CallerWindow {
  readonly #samples: CallerTotals[] = [];

  /** Once a second. */
  sample(totals: CallerTotals): void {
    this.#samples.push(totals);
    if (this.#samples.length > WINDOW_SAMPLES) this.#samples.shift();
  }

  /** `fail`: most callers fail, and do so still, and not for load that the pool sheds. `warn`: at least 1 % of them failed within ten seconds. */
  check(now: CallerTotals): { readonly status: 'pass' | 'warn' | 'fail'; readonly message: string } {
    const { served, timedOut, refused, shed } = since(this.#samples[0] ?? now, now);
    const failed = timedOut + refused;
    if (failed * 100 < (served + failed) * WARN_PERCENT || failed === 0) return { status: 'pass', message: 'callers are served' };
    const recent = since(this.#samples.at(-RECENT_SAMPLES) ?? this.#samples[0] ?? now, now);
    const most = failed - shed >= LEAST_FAILURES && failed - shed > served && mostFailed(recent);
    const how = [...(timedOut > 0 ? [`${timedOut} timed out`] : []), ...(refused > 0 ? [`${refused} were refused`] : [])].join(', ');
    return { status: most ? 'fail' : 'warn', message: `${failed} of ${served + failed} callers failed within about 10 s: ${how}` };
  }
}

function mostFailed({ served, timedOut, refused, shed }: CallerTotals): boolean {
  return timedOut + refused - shed > served;
}

function since(before: CallerTotals, now: CallerTotals): CallerTotals {
  return {
    served: now.served - before.served,
    timedOut: now.timedOut - before.timedOut,
    refused: now.refused - before.refused,
    shed: now.shed - before.shed,
  };
}
