/** Reports pools, acquires, statements and cached reads to OpenTelemetry. */

import type { MeterProvider, TextMapPropagator, TracerProvider } from '@opentelemetry/api';
import { invalid, refuseUnknownOptions } from '../engine/index.js';
import { api, SCOPE } from './otel-api.js';
import { Operations } from './otel-operations.js';
import { measurePools } from './otel-pools.js';
import { withNodePools } from './cluster-source.js';
import { type PoolSource, poolReader } from './pool-source.js';

export type { ObservedPool, PoolCollection, PoolSource } from './pool-source.js';

/** What `instrumentPools` takes. */
export interface InstrumentationOptions {
  /** The pools to report. Looked at again at each collection, so that pools which are made or closed later are seen. */
  readonly pools: PoolSource;
  /** Default: the global one. */
  readonly meterProvider?: MeterProvider;
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider;
  /**
   * Sends the trace's context to the server, as a comment behind the text of each statement of a borrower, in sqlcommenter's form. `true`: what
   * the global propagator has to say; or a propagator of its own. Prepared statements (`execute`), `CREATE` and `ALTER` get none, nor does a
   * text that ends in such a comment. Default: false.
   */
  readonly sqlComments?: boolean | TextMapPropagator;
}

/** What was set up, and how to take it down. */
export interface Instrumentation extends Disposable {
  /** Whether there is a meter that collects. */
  readonly metrics: boolean;
  /** Whether there is a tracer that records. */
  readonly traces: boolean;
  /** Ends it. Later calls do nothing. */
  stop(): void;
}

/**
 * Reports pools to OpenTelemetry by its semantic conventions for databases, version 1.45.0: `db.client.connection.*` and
 * `db.client.operation.duration`; and a span for each statement, for each read that a cache answered, and for each acquire that had to wait,
 * as a child of the span that is active where it was asked for. Statements are shown without their values.
 *
 * Without an SDK it sets up nothing, so nothing is paid: call it after the SDK was registered. Spans and operation durations come from
 * mysql2's diagnostics channels, so they are of every connection of mysql2 in the process, and an instrumentation of mysql2 beside this
 * one makes them twice.
 *
 * @throws PoolError `POOL_OPTION_INVALID`; on import, Error `MODULE_NOT_FOUND` when the package `@opentelemetry/api` is missing
 *
 * @example
 * ```ts
 * sdk.start();
 * instrumentPools({ pools });
 * ```
 */
export function instrumentPools(options: InstrumentationOptions): Instrumentation {
  refuseUnknownOptions(options, ['pools', 'meterProvider', 'tracerProvider', 'sqlComments']);
  const { meterProvider = api.metrics.getMeterProvider(), tracerProvider = api.trace.getTracerProvider() } = options;
  const propagator = propagatorIn(options);
  const pools = poolReader(options.pools);
  const meter = meterProvider.getMeter(SCOPE);
  const collects = meter !== api.createNoopMeter();
  const traces = records(tracerProvider);
  const stops: (() => void)[] = [];
  if (collects) stops.push(measurePools(meter, withNodePools(pools)));
  if (traces || collects) {
    const operations = new Operations({
      tracer: traces ? tracerProvider.getTracer(SCOPE) : undefined,
      meter: collects ? meter : undefined,
      propagator: traces ? propagator : undefined,
    });
    stops.push(() => operations.stop());
  }
  const stop = (): void => {
    for (const one of stops.splice(0)) one();
  };
  return { metrics: collects, traces, stop, [Symbol.dispose]: stop };
}

function propagatorIn({ sqlComments = false }: InstrumentationOptions): TextMapPropagator | undefined {
  if (typeof sqlComments !== 'boolean' && typeof (sqlComments as Partial<TextMapPropagator> | null)?.inject !== 'function')
    throw invalid('sqlComments', sqlComments, 'true, false or a propagator');
  // The global one passes on to the one that is set later.
  if (typeof sqlComments === 'boolean') return sqlComments ? api.propagation : undefined;
  return sqlComments;
}

/** The global provider passes on to the SDK's, once there is one. */
function records(provider: TracerProvider): boolean {
  return !(provider instanceof api.ProxyTracerProvider) || provider.getDelegateTracer(SCOPE) !== undefined;
}
