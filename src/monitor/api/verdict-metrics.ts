/** Metrics of the verdict on each pool: what alerts say of the cause, since when, and whom it has hit. */

import { SharedCall } from '../peers/index.js';
import { CollectedMetric, type MetricDescription, type Sample } from '../../telemetry/index.js';
import type { PoolVerdict } from '../verdict/index.js';

/** A pool's verdict at this moment. */
export interface NamedVerdict {
  readonly pool: string;
  readonly verdict: PoolVerdict;
}

interface VerdictMetric extends MetricDescription {
  readonly sample: (verdict: PoolVerdict, now: number) => { readonly cause?: string; readonly value: number };
}

const METRICS: readonly VerdictMetric[] = [
  {
    name: 'verdict',
    type: 'gauge',
    help: "1 for the cause of the verdict on a pool; cause 'none': nothing is wrong.",
    aggregator: 'max',
    sample: ({ cause }) => ({ cause: cause ?? 'none', value: 1 }),
  },
  {
    name: 'verdict_seconds',
    type: 'gauge',
    help: 'How long a pool has been as the verdict says; 0: nothing is wrong, or it is not known since when.',
    aggregator: 'max',
    sample: ({ since }, now) => ({ value: since === null ? 0 : Math.max(0, now - since) / 1_000 }),
  },
  {
    name: 'verdict_callers_failed',
    type: 'gauge',
    help: 'Callers that have had no connection since the cause of the verdict began; 0: nothing is wrong.',
    aggregator: 'sum',
    sample: ({ callersFailed }) => ({ value: callersFailed }),
  },
];

/**
 * @param prefix what the names start with
 * @param verdicts of all pools
 */
export function verdictMetrics(prefix: string, verdicts: () => Promise<readonly NamedVerdict[]>): CollectedMetric[] {
  // A scrape asks for all metrics at the same time: the pools are judged once for it.
  const judged = new SharedCall(verdicts);
  return METRICS.map(
    ({ sample, ...metric }) =>
      new CollectedMetric({ ...metric, name: prefix + metric.name }, async () => {
        const now = Date.now();
        return (await judged.get()).map(({ pool, verdict }): Sample => {
          const { cause, value } = sample(verdict, now);
          return { labels: cause === undefined ? { pool } : { pool, cause }, value };
        });
      }),
  );
}
