/** Reports pools, acquires and statements to OpenTelemetry. */

import { tracingChannel } from 'node:diagnostics_channel';
import { performance } from '../engine/waiting/index.js';
import type * as Api from '@opentelemetry/api';
import type { Attributes, Context, Meter, MeterProvider, Span, Tracer, TracerProvider } from '@opentelemetry/api';
import { codeOf, messageOf, refuseUnknownOptions } from '../engine/index.js';
import { factsOf } from '../sql/index.js';
import { requirePeer } from '../packages/index.js';
import { type ObservedPool, type PoolReader, type PoolSource, poolReader } from './pool-source.js';

export type { ObservedPool, PoolCollection, PoolSource } from './pool-source.js';

const api = requirePeer('@opentelemetry/api', 'poolwright/otel') as typeof Api;

/** What `instrumentPools` takes. */
export interface InstrumentationOptions {
  /** The pools to report. Looked at anew at each collection, so that pools which are made or closed later are seen. */
  readonly pools: PoolSource;
  /** Default: the global one. */
  readonly meterProvider?: MeterProvider;
  /** Default: the global one. */
  readonly tracerProvider?: TracerProvider;
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

const SCOPE = 'poolwright';

/** https://opentelemetry.io/docs/specs/semconv/db/database-metrics/, in seconds. */
const BOUNDS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

const POOL_NAME = 'db.client.connection.pool.name';
const POOL_STATE = 'db.client.connection.state';

/**
 * Reports pools to OpenTelemetry by its semantic conventions for databases: `db.client.connection.*` and `db.client.operation.duration`, and a
 * span for each acquire and each statement, as a child of the span that is active where it was asked for. Statements are shown without
 * their values.
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
  refuseUnknownOptions(options, ['pools', 'meterProvider', 'tracerProvider']);
  const { meterProvider = api.metrics.getMeterProvider(), tracerProvider = api.trace.getTracerProvider() } = options;
  const pools = poolReader(options.pools);
  const meter = meterProvider.getMeter(SCOPE);
  const collects = meter !== api.createNoopMeter();
  const traces = records(tracerProvider);
  const stops: (() => void)[] = [];
  if (collects) stops.push(measurePools(meter, pools));
  if (traces || collects) {
    const operations = new Operations(traces ? tracerProvider.getTracer(SCOPE) : undefined, collects ? meter : undefined);
    stops.push(() => operations.stop());
  }
  const stop = (): void => {
    for (const one of stops.splice(0)) one();
  };
  return { metrics: collects, traces, stop, [Symbol.dispose]: stop };
}

/** The global provider passes on to the SDK's, once there is one. */
function records(provider: TracerProvider): boolean {
  return !(provider instanceof api.ProxyTracerProvider) || provider.getDelegateTracer(SCOPE) !== undefined;
}

function measurePools(meter: Meter, pools: PoolReader): () => void {
  const observed = new Map<ObservedPool, () => void>();
  const inSeconds = { unit: 's', advice: { explicitBucketBoundaries: BOUNDS_S } };
  const durations = {
    acquire: meter.createHistogram('db.client.connection.wait_time', { ...inSeconds, description: 'Time to obtain an open connection.' }),
    use: meter.createHistogram('db.client.connection.use_time', {
      ...inSeconds,
      description: 'Time from borrowing to returning a connection.',
    }),
    connect: meter.createHistogram('db.client.connection.create_time', { ...inSeconds, description: 'Time to create a new connection.' }),
  };
  const connections = { unit: '{connection}' };
  const count = meter.createObservableUpDownCounter('db.client.connection.count', {
    ...connections,
    description: 'Connections that are currently in the state of the attribute.',
  });
  const most = meter.createObservableUpDownCounter('db.client.connection.max', {
    ...connections,
    description: 'Most open connections allowed.',
  });
  const idleMax = meter.createObservableUpDownCounter('db.client.connection.idle.max', {
    ...connections,
    description: 'Most idle connections allowed.',
  });
  const idleMin = meter.createObservableUpDownCounter('db.client.connection.idle.min', {
    ...connections,
    description: 'Fewest idle connections wanted.',
  });
  const pending = meter.createObservableUpDownCounter('db.client.connection.pending_requests', {
    unit: '{request}',
    description: 'Acquires that wait for a connection.',
  });
  const timeouts = meter.createObservableCounter('db.client.connection.timeouts', {
    unit: '{timeout}',
    description: 'Acquires that timed out.',
  });
  const instruments = [count, most, idleMax, idleMin, pending, timeouts];

  const follow = (): ObservedPool[] => {
    const current = [...pools().values()];
    for (const [pool, stop] of observed) {
      if (current.includes(pool)) continue;
      stop();
      observed.delete(pool);
    }
    for (const pool of current) if (!observed.has(pool)) observed.set(pool, recordDurations(pool, durations));
    return current;
  };
  const collect: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    for (const pool of follow()) {
      const { idle, used, checking, closing, limit, maxIdle, minIdle, waiting, timedOut } = pool.stats();
      const attributes = { [POOL_NAME]: pool.name };
      result.observe(count, idle, { ...attributes, [POOL_STATE]: 'idle' });
      // OpenTelemetry has two states: a connection that is being cleaned or closed cannot be lent.
      result.observe(count, used + checking + closing, { ...attributes, [POOL_STATE]: 'used' });
      result.observe(most, limit, attributes);
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

type DurationHistograms = Readonly<Record<'acquire' | 'use' | 'connect', Api.Histogram>>;

function recordDurations(pool: ObservedPool, histograms: DurationHistograms): () => void {
  const attributes = { [POOL_NAME]: pool.name };
  const stops = (['acquire', 'use', 'connect'] as const).map((which) =>
    pool.observeDurations(which, (durationMs) => histograms[which].record(durationMs / 1_000, attributes)),
  );
  return () => {
    for (const stop of stops) stop();
  };
}

/** What mysql2's channels publish about one acquire or statement. */
interface Operation {
  readonly query?: string;
  readonly database: string;
  readonly serverAddress: string;
  readonly serverPort?: number;
  readonly error?: unknown;
}

interface Remembered {
  readonly span: Span | undefined;
  readonly parent: Context;
  readonly startedAt: number;
}

/** Follows acquires and statements over mysql2's diagnostics channels. */
class Operations {
  readonly #tracer: Tracer | undefined;
  readonly #duration: Api.Histogram | undefined;
  readonly #remembered = new WeakMap<object, Remembered>();
  /** The caller's context of the acquire whose borrower runs its statement now: a waiter is served in the context of the borrower that released. */
  #parent: Context | undefined = undefined;
  readonly #stops: (() => void)[] = [];

  constructor(tracer: Tracer | undefined, meter: Meter | undefined) {
    this.#tracer = tracer;
    this.#duration = meter?.createHistogram('db.client.operation.duration', {
      unit: 's',
      description: 'Duration of database client operations.',
      advice: { explicitBucketBoundaries: BOUNDS_S },
    });
    this.#follow('mysql2:query');
    this.#follow('mysql2:execute');
    if (tracer !== undefined) this.#followAcquires(tracer);
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #follow(name: string): void {
    this.#subscribe(name, {
      start: (operation) => this.#begin(operation),
      end: () => undefined,
      asyncStart: (operation) => this.#finish(operation),
      asyncEnd: () => undefined,
      error: () => undefined,
    });
  }

  #followAcquires(tracer: Tracer): void {
    this.#subscribe('mysql2:pool:connect', {
      start: (operation) => {
        const parent = api.context.active();
        const attributes = { ...whereOf(operation), 'db.operation.name': 'acquire' };
        const span = tracer.startSpan('acquire connection', { kind: api.SpanKind.INTERNAL, attributes }, parent);
        this.#remembered.set(operation, { span, parent, startedAt: 0 });
      },
      end: () => undefined,
      asyncStart: (operation) => {
        const remembered = this.#remembered.get(operation);
        end(remembered?.span, operation.error);
        this.#parent = remembered?.parent;
      },
      asyncEnd: () => {
        this.#parent = undefined;
      },
      error: () => undefined,
    });
  }

  #subscribe(name: string, listeners: Parameters<ReturnType<typeof tracingChannel<unknown, Operation>>['subscribe']>[0]): void {
    const channel = tracingChannel<unknown, Operation>(name);
    channel.subscribe(listeners);
    this.#stops.push(() => channel.unsubscribe(listeners));
  }

  #begin(operation: Operation): void {
    const parent = this.#parent ?? api.context.active();
    const span = this.#tracer?.startSpan(nameOf(operation), { kind: api.SpanKind.CLIENT, attributes: attributesOf(operation) }, parent);
    if (span?.isRecording() === true) span.setAttribute('db.query.text', factsOf(operation.query ?? '').digest);
    this.#remembered.set(operation, { span, parent, startedAt: performance.now() });
  }

  #finish(operation: Operation): void {
    const remembered = this.#remembered.get(operation);
    if (remembered === undefined) return;
    this.#remembered.delete(operation);
    const { error } = operation;
    end(remembered.span, error);
    const attributes = error === undefined ? attributesOf(operation) : { ...attributesOf(operation), 'error.type': codeOf(error) };
    this.#duration?.record((performance.now() - remembered.startedAt) / 1_000, attributes);
  }
}

function end(span: Span | undefined, error: unknown): void {
  if (span === undefined) return;
  if (error !== undefined) {
    span.setAttribute('error.type', codeOf(error));
    span.setStatus({ code: api.SpanStatusCode.ERROR, message: messageOf(error) });
  }
  span.end();
}

function whereOf({ database, serverAddress, serverPort }: Operation): Attributes {
  return {
    'db.system.name': 'mysql',
    ...(database === '' ? {} : { 'db.namespace': database }),
    'server.address': serverAddress,
    ...(serverPort === undefined ? {} : { 'server.port': serverPort }),
  };
}

function attributesOf(operation: Operation): Attributes {
  return { ...whereOf(operation), 'db.operation.name': factsOf(operation.query ?? '').operation };
}

function nameOf(operation: Operation): string {
  const name = factsOf(operation.query ?? '').operation;
  return operation.database === '' ? name : `${name} ${operation.database}`;
}
