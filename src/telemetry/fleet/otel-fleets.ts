/** The metrics of fleets for OpenTelemetry. */

import type { Meter, Observable } from '@opentelemetry/api';
import type { PoolReader } from '../pool-source.js';
import { FLEET_METRICS, fleetsOf } from './fleet-table.js';

/** Reports pools in fleets, as `poolwright.fleet.*`. @returns ends it */
export function measureFleets(meter: Meter, pools: PoolReader): () => void {
  const instruments = FLEET_METRICS.map(({ type, otel, unit, help, label, values }) => {
    const name = `poolwright.fleet.${otel}`;
    const told = { unit, description: help };
    const instrument: Observable = type === 'counter' ? meter.createObservableCounter(name, told) : meter.createObservableGauge(name, told);
    return { instrument, label, values };
  });
  const observables = instruments.map(({ instrument }) => instrument);
  const collect: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    for (const [pool, fleet] of fleetsOf(pools)) {
      const attributes = { 'db.client.connection.pool.name': pool, 'poolwright.fleet.name': fleet.name };
      for (const { instrument, label, values } of instruments) {
        for (const [of, value] of Object.entries(values(fleet)))
          result.observe(instrument, value, label === undefined ? attributes : { ...attributes, [`poolwright.fleet.${label}`]: of });
      }
    }
  };
  meter.addBatchObservableCallback(collect, observables);
  return () => meter.removeBatchObservableCallback(collect, observables);
}
