import { context, createNoopMeter, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { hasSubscribers, tracingChannel } from 'node:diagnostics_channel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instrumentPools } from '../../src/telemetry/otel.js';
import { openPool, type Queryable, valueOf, whileHolding } from '../support/pool-on-database.js';
import { makeMetrics, makeTracing } from './collectors.js';

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

afterAll(() => {
  context.disable();
});

async function productOf(pool: Queryable): Promise<string> {
  return /mariadb/i.test(String(await valueOf(pool, 'VERSION()'))) ? 'mariadb' : 'mysql';
}

describe('without an SDK', () => {
  it('nothing is set up: no channel has a listener, and acquires take the short way', async () => {
    expect(metrics.getMeterProvider().getMeter('x')).toBe(createNoopMeter());
    await using fixture = await openPool({ minIdle: 1 });
    const instrumentation = instrumentPools({ pools: fixture.pool });
    expect(instrumentation).toMatchObject({ metrics: false, traces: false });
    for (const name of ['mysql2:query', 'mysql2:execute', 'mysql2:pool:connect']) {
      for (const event of ['start', 'end', 'asyncStart'] as const) expect(tracingChannel(name)[event].hasSubscribers).toBe(false);
    }
    for (const name of ['poolwright:cache:read', 'poolwright:cache:value', 'poolwright:statement:send'])
      expect(hasSubscribers(name)).toBe(false);
    instrumentation.stop();
  });
});

describe('metrics', () => {
  it('have the names, units and attributes of the conventions, and the values of the pool', async () => {
    await using fixture = await openPool({ name: 'orders', connectionLimit: 3, minIdle: 1 });
    const { pool } = fixture;
    const { meterProvider, collected } = makeMetrics();
    using _instrumentation = instrumentPools({ pools: pool, meterProvider });
    await pool.ready();
    await pool.query('SELECT SLEEP(0.02)');
    await pool.execute('SELECT ? AS a', [1]);
    await expect(pool.query('SELECT * FROM no_such_table')).rejects.toMatchObject({ errno: 1146 });
    await whileHolding(pool, 3, async () => {
      await expect(pool.getConnection({ timeout: 5 })).rejects.toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT' });
      const found = await collected();
      const values = (name: string) =>
        Object.fromEntries(
          (found.get(name)?.dataPoints ?? []).map(({ attributes, value }) => [
            attributes['db.client.connection.state'] ?? attributes['db.client.connection.pool.name'],
            value,
          ]),
        );
      expect(values('db.client.connection.count')).toEqual({ idle: 0, used: 3 });
      expect(values('db.client.connection.limit')).toEqual({ orders: 3 });
      expect(values('db.client.connection.idle.max')).toEqual({ orders: 3 });
      expect(values('db.client.connection.idle.min')).toEqual({ orders: 1 });
      expect(values('db.client.connection.pending_requests')).toEqual({ orders: 0 });
      expect(values('db.client.connection.timeouts')).toEqual({ orders: 1 });
    });
    const found = await collected();
    expect(Object.fromEntries([...found].map(([name, { descriptor }]) => [name, descriptor.unit]))).toEqual({
      'db.client.connection.count': '{connection}',
      'db.client.connection.limit': '{connection}',
      'db.client.connection.idle.max': '{connection}',
      'db.client.connection.idle.min': '{connection}',
      'db.client.connection.pending_requests': '{request}',
      'db.client.connection.timeouts': '{timeout}',
      'db.client.connection.wait_time': 's',
      'db.client.connection.use_time': 's',
      'db.client.connection.create_time': 's',
      'db.client.operation.duration': 's',
    });
    const { acquire, use } = pool.stats();
    for (const [name, count] of [
      ['wait_time', acquire.count],
      ['use_time', use.count],
    ] as const) {
      expect(found.get(`db.client.connection.${name}`)?.dataPoints[0]).toMatchObject({
        attributes: { 'db.client.connection.pool.name': 'orders' },
        value: { count, buckets: { boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] } },
      });
    }
    const operations = found.get('db.client.operation.duration')?.dataPoints ?? [];
    const common = {
      'db.system.name': await productOf(pool),
      'db.namespace': fixture.database.database,
      'server.address': '127.0.0.1',
      'db.operation.name': 'SELECT',
    };
    expect(operations.map(({ attributes }) => attributes)).toEqual(
      expect.arrayContaining([
        expect.objectContaining(common) as object,
        expect.objectContaining({ ...common, 'error.type': '1146', 'db.response.status_code': '1146' }) as object,
      ]),
    );
    await meterProvider.shutdown();
  });

  it('end when they are stopped', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    const { meterProvider, collected } = makeMetrics();
    const instrumentation = instrumentPools({ pools: fixture.pool, meterProvider });
    await fixture.pool.query('SELECT 1');
    instrumentation.stop();
    const before = JSON.stringify((await collected()).get('db.client.connection.wait_time')?.dataPoints[0]?.value);
    await fixture.pool.query('SELECT 1');
    const after = await collected();
    expect(JSON.stringify(after.get('db.client.connection.wait_time')?.dataPoints[0]?.value)).toBe(before);
    expect(tracingChannel('mysql2:query').start.hasSubscribers).toBe(false);
    await meterProvider.shutdown();
  });
});

describe('spans', () => {
  it('of acquires and statements are children of the span that is active where they are asked for, even when they had to wait', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders', connectionLimit: 1 });
    const { pool } = fixture;
    const { exporter, tracerProvider } = makeTracing();
    using _instrumentation = instrumentPools({ pools: pool, tracerProvider });
    const tracer = tracerProvider.getTracer('test');
    const ids = await Promise.all(
      Array.from({ length: 5 }, (_, number) =>
        tracer.startActiveSpan(`caller ${number}`, async (span) => {
          await pool.query('SELECT SLEEP(0.01), ? AS secret', [`sesame-${number}`]);
          span.end();
          return span.spanContext().spanId;
        }),
      ),
    );
    const spans = exporter.getFinishedSpans();
    for (const id of ids) {
      const children = spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === id);
      expect(children.map(({ name }) => name).toSorted()).toEqual(['SELECT', 'acquire connection']);
      const statement = children.find(({ name }) => name.startsWith('SELECT'));
      expect(statement?.attributes).toMatchObject({
        'db.system.name': await productOf(pool),
        'db.namespace': fixture.database.database,
        'db.operation.name': 'SELECT',
        'db.query.text': 'SELECT SLEEP(?), ? AS secret',
        'server.address': '127.0.0.1',
        'server.port': fixture.database.port,
      });
    }
    expect(JSON.stringify(spans.map(({ attributes, name, status }) => ({ attributes, name, status })))).not.toContain('sesame');
  });

  it('report failures, and statements on a borrowed connection', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders', connectionLimit: 1 });
    const { pool } = fixture;
    const { exporter, tracerProvider } = makeTracing();
    using _instrumentation = instrumentPools({ pools: pool, tracerProvider });
    const tracer = tracerProvider.getTracer('test');
    const id = await tracer.startActiveSpan('caller', async (span) => {
      await using connection = await pool.getConnection();
      await expect(connection.query('SELECT * FROM no_such_table')).rejects.toMatchObject({ errno: 1146 });
      await expect(pool.getConnection({ timeout: 5 })).rejects.toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT' });
      span.end();
      return span.spanContext().spanId;
    });
    const children = exporter.getFinishedSpans().filter(({ parentSpanContext }) => parentSpanContext?.spanId === id);
    expect(children.map(({ name, attributes, status }) => [name.split(' ')[0], attributes['error.type'] ?? 'none', status.code])).toEqual([
      ['acquire', 'none', 0],
      ['SELECT', '1146', 2],
      ['acquire', 'POOL_ACQUIRE_TIMEOUT', 2],
    ]);
  });

  it('are not made for the global provider before an SDK is registered, and are after', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    expect(instrumentPools({ pools: fixture.pool }).traces).toBe(false);
    const { exporter, tracerProvider } = makeTracing();
    trace.setGlobalTracerProvider(tracerProvider);
    using instrumentation = instrumentPools({ pools: fixture.pool });
    expect(instrumentation.traces).toBe(true);
    await fixture.pool.query('SELECT 1');
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toContain('SELECT');
    trace.disable();
  });
});
