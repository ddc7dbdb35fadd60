/** The metrics of fleets for Prometheus. */

import { CollectedMetric } from '../collected-metric.js';
import { withNodePools } from '../cluster-source.js';
import { type PoolSource, poolReader } from '../pool-source.js';
import { FLEET_METRICS, fleetsOf } from './fleet-table.js';

/** The metrics of those among all these pools that are in a fleet. */
export function fleetMetrics(source: PoolSource, prefix: string): CollectedMetric[] {
  const pools = withNodePools(poolReader(source));
  return FLEET_METRICS.map(
    ({ values, label, otel: _otel, unit: _unit, ...metric }) =>
      new CollectedMetric({ ...metric, name: prefix + metric.name }, () =>
        fleetsOf(pools).flatMap(([pool, fleet]) =>
          Object.entries(values(fleet)).map(([of, value]) => ({
            labels: { pool, fleet: fleet.name, ...(label === undefined ? {} : { [label]: of }) },
            value,
          })),
        ),
      ),
  );
}
