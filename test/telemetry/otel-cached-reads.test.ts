import { context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createQueryCache } from '../../src/cache/index.js';
import { instrumentPools } from '../../src/telemetry/otel.js';
import { poolOf } from '../support/pool-on-database.js';
import { createDatabase } from '../support/servers/database.js';
import { makeMetrics, makeTracing } from './collectors.js';

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

afterAll(() => {
  context.disable();
});

/** A pool with a cache in memory, and how to read through it inside a span. */
async function openCached() {
  const database = await createDatabase();
  await database.admin('CREATE TABLE users (id INT PRIMARY KEY)');
  const pool = poolOf(database, { cache: createQueryCache({}) });
  const { exporter, tracerProvider } = makeTracing();
  const { meterProvider, collected } = makeMetrics();
  const instrumentation = instrumentPools({ pools: pool, tracerProvider, meterProvider });
  const read = async (sql: string): Promise<string> =>
    await tracerProvider.getTracer('test').startActiveSpan('caller', async (span) => {
      try {
        await pool.query({ sql, values: [1], cache: { ttl: 60_000 } });
      } finally {
        span.end();
      }
      return span.spanContext().spanId;
    });
  const childrenOf = (id: string) => exporter.getFinishedSpans().filter(({ parentSpanContext }) => parentSpanContext?.spanId === id);
  return {
    exporter,
    read,
    childrenOf,
    collected,
    async [Symbol.asyncDispose]() {
      instrumentation.stop();
      await meterProvider.shutdown();
      await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
}

const SQL = 'SELECT id FROM users WHERE id = ?';

describe('a read that the cache answers', () => {
  it('has a span that says so, under its caller, and none of a statement; it counts as no operation of the database', async () => {
    await using cached = await openCached();
    const { read, childrenOf } = cached;
    const loaded = childrenOf(await read(SQL)).filter(({ name }) => name === 'SELECT users');
    expect(loaded.map(({ kind }) => kind)).toEqual([SpanKind.CLIENT]);
    const operations = async (): Promise<unknown> =>
      (await cached.collected())
        .get('db.client.operation.duration')
        ?.dataPoints.filter(({ attributes }) => attributes['db.query.summary'] === 'SELECT users')
        .map(({ value }) => (value as { count: number }).count);
    expect(await operations()).toEqual([1]);
    const hits = childrenOf(await read(SQL));
    expect(hits.map(({ name, kind, attributes }) => ({ name, kind, attributes }))).toEqual([
      {
        name: 'SELECT users',
        kind: SpanKind.INTERNAL,
        attributes: {
          ...loaded[0]?.attributes,
          'db.query.text': SQL,
          'poolwright.cache.hit': true,
          'poolwright.cache.from': 'memory',
        },
      },
    ]);
    expect(await operations()).toEqual([1]);
  });

  it('and one that shares the loading of another caller says that', async () => {
    await using cached = await openCached();
    const { read, childrenOf } = cached;
    const ids = await Promise.all([read(SQL), read(SQL), read(SQL)]);
    const spans = ids.map((id) => childrenOf(id).filter(({ name }) => name === 'SELECT users'));
    expect(spans.flat().filter(({ kind }) => kind === SpanKind.CLIENT).length).toBe(1);
    const shared = spans.flat().filter(({ kind }) => kind === SpanKind.INTERNAL);
    expect(shared.map(({ attributes }) => [attributes['poolwright.cache.hit'], attributes['poolwright.cache.from']])).toEqual([
      [false, 'coalesced'],
      [false, 'coalesced'],
    ]);
  });

  it('fails with its loading', async () => {
    await using cached = await openCached();
    const failing = 'SELECT id FROM users WHERE id = ? AND nothing = 1';
    await Promise.allSettled([cached.read(failing), cached.read(failing)]);
    const spans = cached.exporter.getFinishedSpans().filter(({ name }) => name === 'SELECT users');
    expect(spans.map(({ kind, status, attributes }) => [kind, status.code, attributes['db.response.status_code']])).toEqual([
      [SpanKind.CLIENT, SpanStatusCode.ERROR, '1054'],
      [SpanKind.INTERNAL, SpanStatusCode.ERROR, '1054'],
    ]);
  });
});
