import { context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { eq } from 'drizzle-orm';
import { int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { drizzle } from 'drizzle-orm/mysql2';
import { Kysely, MysqlDialect } from 'kysely';
import { hasSubscribers } from 'node:diagnostics_channel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createQueryCache, kyselyCache, withDrizzleCache } from '../../src/cache/index.js';
import { instrumentPools } from '../../src/telemetry/otel.js';
import { openCachedPool } from '../cache/support/cached-pool.js';
import { makeTracing } from './collectors.js';

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

afterAll(() => {
  context.disable();
});

/** Runs work in a span of its own; what the cache answered in it, by name and attributes. */
function openTraced() {
  const { exporter, tracerProvider } = makeTracing();
  const instrumentation = instrumentPools({ pools: [], tracerProvider });
  const answered = async (work: () => Promise<unknown>) => {
    const id = await tracerProvider.getTracer('test').startActiveSpan('caller', async (span) => {
      await work().catch(() => undefined);
      span.end();
      return span.spanContext().spanId;
    });
    return exporter
      .getFinishedSpans()
      .filter(({ kind, name }) => kind === SpanKind.INTERNAL && name !== 'acquire connection')
      .filter(({ parentSpanContext }) => parentSpanContext?.spanId === id)
      .map(({ name, attributes, status }) => ({ name, attributes, failed: status.code === SpanStatusCode.ERROR }));
  };
  return { answered, [Symbol.dispose]: () => instrumentation.stop() };
}

const FROM_MEMORY = { 'poolwright.cache.hit': true, 'poolwright.cache.from': 'memory' };

describe('a value that the cache answers', () => {
  it('of cache.wrap has a span that says so, without its key; one that is loaded has none', async () => {
    using traced = openTraced();
    const cache = createQueryCache({ name: 'rates' });
    const wrap = (): Promise<number> => cache.wrap('a secret', async () => 1, { ttl: 60_000 });
    expect(await traced.answered(wrap)).toEqual([]);
    const hit = { name: 'read cached value', attributes: { 'poolwright.cache.name': 'rates', ...FROM_MEMORY }, failed: false };
    expect(await traced.answered(wrap)).toEqual([hit]);
    cache.close();
  });

  it('of cache.wrap that shares a loading says that, and fails with it', async () => {
    using traced = openTraced();
    const cache = createQueryCache({ name: 'rates' });
    let fail: (error: Error) => void = () => undefined;
    const wrap = (): Promise<unknown> => cache.wrap('key', () => new Promise((_, reject) => (fail = reject)), { ttl: 60_000 });
    const answers = [traced.answered(wrap), traced.answered(wrap)];
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    fail(new Error('no rates'));
    const shared = { 'poolwright.cache.name': 'rates', 'poolwright.cache.hit': false, 'poolwright.cache.from': 'coalesced' };
    expect(await Promise.all(answers)).toEqual([
      [],
      [{ name: 'read cached value', attributes: { ...shared, 'error.type': 'Error' }, failed: true }],
    ]);
    cache.close();
  });

  it('of Kysely has the summary of its statement', async () => {
    using traced = openTraced();
    await using fixture = await openCachedPool();
    const cached = kyselyCache(fixture.cache, { scope: 'test' });
    const dialect = cached.dialect(new MysqlDialect({ pool: fixture.pool.pool }));
    const db = new Kysely<{ users: { id: number } }>({ dialect }).withPlugin(cached.plugin({ ttl: 60_000 }));
    const read = (): Promise<unknown> => db.selectFrom('users').select('id').where('id', '=', 1).execute();
    expect(await traced.answered(read)).toEqual([]);
    expect(await traced.answered(read)).toEqual([
      {
        name: 'SELECT users',
        attributes: {
          ...FROM_MEMORY,
          'poolwright.cache.name': fixture.cache.name,
          'db.query.summary': 'SELECT users',
          'db.query.text': 'select `id` from `users` where `id` = ?',
          'db.operation.name': 'SELECT',
          'db.collection.name': 'users',
        },
        failed: false,
      },
    ]);
  });

  it('of Drizzle has one, too; Drizzle does not say which statement it was', async () => {
    using traced = openTraced();
    await using fixture = await openCachedPool();
    const users = mysqlTable('users', { id: int().primaryKey(), name: varchar({ length: 50 }) });
    const db = withDrizzleCache(drizzle({ client: fixture.pool }), fixture.cache, { scope: 'test', ttl: 60_000 });
    const read = async (): Promise<unknown> => await db.select().from(users).where(eq(users.id, 1)).$withCache();
    expect(await traced.answered(read)).toEqual([]);
    const attributes = { 'poolwright.cache.name': fixture.cache.name, ...FROM_MEMORY };
    expect(await traced.answered(read)).toEqual([{ name: 'read cached value', attributes, failed: false }]);
  });
});

it('there is no listener when nothing is instrumented', () => {
  expect(hasSubscribers('poolwright:cache:value')).toBe(false);
});
