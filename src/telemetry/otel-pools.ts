/** The metrics of pools for OpenTelemetry, by its conventions for databases. */

import type { Histogram, Meter } from '@opentelemetry/api';
import { inRootContext } from '../engine/waiting/index.js';
import { IN_SECONDS } from './otel-api.js';
import type { ObservedPool, PoolReader } from './pool-source.js';

const POOL_NAME = 'db.client.connection.pool.name';
const POOL_STATE = 'db.client.connection.state';

/** Reports what pools know about themselves, as `db.client.connection.*`. @returns ends it */
export function measurePools(meter: Meter, pools: PoolReader): () => void {
  const observed = new Map<ObservedPool, () => void>();
  const durations = {
    acquire: meter.createHistogram('db.client.connection.wait_time', { ...IN_SECONDS, description: 'Time to obtain an open connection.' }),
    use: meter.createHistogram('db.client.connection.use_time', {
      ...IN_SECONDS,
      description: 'Time from borrowing to returning a connection.',
    }),
    connect: meter.createHistogram('db.client.connection.create_time', { ...IN_SECONDS, description: 'Time to create a new connection.' }),
  };
  const connections = { unit: '{connection}' };
  const count = meter.createObservableUpDownCounter('db.client.connection.count', {
    ...connections,
    description: 'Connections that are currently in the state of the attribute.',
  });
  const limits = meter.createObservableUpDownCounter('db.client.connection.limit', {
    ...connections,
    description: 'Maximum number of open connections.',
  });
  const idleMax = meter.createObservableUpDownCounter('db.client.connection.idle.max', {
    ...connections,
    description: 'Maximum number of idle connections.',
  });
  const idleMin = meter.createObservableUpDownCounter('db.client.connection.idle.min', {
    ...connections,
    description: 'Minimum number of idle connections.',
  });
  const pending = meter.createObservableUpDownCounter('db.client.connection.pending_requests', {
    unit: '{request}',
    description: 'Acquires that wait for a connection.',
  });
  const timeouts = meter.createObservableCounter('db.client.connection.timeouts', {
    unit: '{timeout}',
    description: 'Acquires that timed out.',
  });
  const instruments = [count, limits, idleMax, idleMin, pending, timeouts];

  const follow = (): ObservedPool[] => {
    const current = [...pools().values()];
    for (const [pool, stop] of observed) {
      if (current.includes(pool)) continue;
      stop();
      observed.delete(pool);
    }
    // The caller may be a request, which is over before the pool is.
    inRootContext(() => {
      for (const pool of current) if (!observed.has(pool)) observed.set(pool, recordDurations(pool, durations));
    });
    return current;
  };
  const collect: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    for (const pool of follow()) {
      const { idle, used, checking, closing, limit, maxIdle, minIdle, waiting, timedOut } = pool.stats();
      const attributes = { [POOL_NAME]: pool.name };
      result.observe(count, idle, { ...attributes, [POOL_STATE]: 'idle' });
      // OpenTelemetry has two states: a connection that is being cleaned or closed cannot be lent.
      result.observe(count, used + checking + closing, { ...attributes, [POOL_STATE]: 'used' });
      result.observe(limits, limit, attributes);
      result.observe(idleMax, maxIdle, attributes);
      result.observe(idleMin, minIdle, attributes);
      result.observe(pending, waiting, attributes);
      result.observe(timeouts, timedOut, attributes);
    }
  };
  meter.addBatchObservableCallback(collect, instruments);
  follow();
  return () => {
    meter.removeBatchObservableCallback(collect, instruments);
    for (const stop of observed.values()) stop();
    observed.clear();
  };
}

type DurationHistograms = Readonly<Record<'acquire' | 'use' | 'connect', Histogram>>;

function recordDurations(pool: ObservedPool, histograms: DurationHistograms): () => void {
  const attributes = { [POOL_NAME]: pool.name };
  const stops = (['acquire', 'use', 'connect'] as const).map((which) =>
    pool.observeDurations(which, (durationMs) => histograms[which].record(durationMs / 1_000, attributes)),
  );
  return () => {
    for (const stop of stops) stop();
  };
}
