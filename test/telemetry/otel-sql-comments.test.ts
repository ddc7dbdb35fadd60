import { context, propagation, type TextMapPropagator, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createQueryCache } from '../../src/cache/index.js';
import { createPoolCluster as createCallbackCluster } from '../../src/mirror/mysql2.js';
import { createPool as createMirroredPool, createPoolCluster as createPromiseCluster } from '../../src/mirror/promise.js';
import type { PoolOptions } from '../../src/mysql/options/table.js';
import { instrumentPools } from '../../src/telemetry/otel.js';
import { poolOf } from '../support/pool-on-database.js';
import { startStatementProxy } from '../support/network/statement-proxy.js';
import { createDatabase } from '../support/servers/database.js';
import { makeTracing } from './collectors.js';

/** W3C's form, without the package that has it. */
const traceparent: TextMapPropagator = {
  inject(from, carrier, setter) {
    const span = trace.getSpanContext(from);
    if (span !== undefined) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-0${span.traceFlags}`);
  },
  extract: (into) => into,
  fields: () => ['traceparent'],
};

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(traceparent);
});

afterAll(() => {
  context.disable();
  propagation.disable();
});

/** A pool behind a proxy that sees what is sent, with the comments of traces. */
async function openCommented(sqlComments: boolean | TextMapPropagator | undefined, options: PoolOptions = {}) {
  const database = await createDatabase();
  await database.admin('CREATE TABLE users (id INT PRIMARY KEY)');
  const proxy = await startStatementProxy({ port: database.port });
  const { host, port } = proxy;
  const pool = poolOf(database, { host, port, multipleStatements: true, ...options });
  const { exporter, tracerProvider } = makeTracing();
  const instrumentation = instrumentPools({ pools: pool, tracerProvider, ...(sqlComments === undefined ? {} : { sqlComments }) });
  const sent = (text: string): string[] => proxy.statements.filter((sql) => sql.includes(text));
  const commentOf = (name: string): string => {
    const span = exporter
      .getFinishedSpans()
      .find((one) => one.name === name)
      ?.spanContext();
    return `/*traceparent='00-${span?.traceId}-${span?.spanId}-01'*/`;
  };
  return {
    database,
    pool,
    proxy,
    sent,
    commentOf,
    exporter,
    async [Symbol.asyncDispose]() {
      instrumentation.stop();
      await pool.end();
      await proxy[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

describe('with SQL comments', () => {
  it('each statement is sent with its own span behind it, from every door', async () => {
    await using commented = await openCommented(true);
    const { pool, sent, commentOf } = commented;
    await pool.query('SELECT ? AS a', [1]);
    expect(sent('1 AS a')).toEqual([`SELECT 1 AS a ${commentOf('SELECT')}`]);
    await new Promise((resolve) => void pool.pool.query('UPDATE users SET id = 2 WHERE id = 1;', resolve));
    expect(sent('UPDATE')).toEqual([`UPDATE users SET id = 2 WHERE id = 1 ${commentOf('UPDATE users')};`]);
    await pool.transaction(async (tx) => await tx.query('DELETE FROM users'));
    expect(sent('DELETE')).toEqual([`DELETE FROM users ${commentOf('DELETE users')}`]);
    await using connection = await pool.getConnection();
    await connection.query('REPLACE INTO users VALUES (1)');
    expect(sent('REPLACE')).toEqual([`REPLACE INTO users VALUES (1) ${commentOf('REPLACE users')}`]);
    const stream = pool.pool.query('SELECT id FROM users ORDER BY id').stream();
    stream.resume();
    await once(stream, 'close');
    expect(sent('ORDER BY')).toEqual([`SELECT id FROM users ORDER BY id ${commentOf('SELECT users')}`]);
  });

  it('the mirror of mysql2’s pool sends them too', async () => {
    await using commented = await openCommented(true);
    const { host, port } = commented.proxy;
    const pool = createMirroredPool({ ...commented.database.connection, host, port });
    await pool.query('DO 1');
    await pool.end();
    expect(commented.sent('DO 1')).toEqual([`DO 1 ${commented.commentOf('DO')}`]);
  });

  it('clusters of the mirrors send them too, and prepared statements as they are', async () => {
    await using commented = await openCommented(true);
    const { database, proxy, sent, commentOf } = commented;
    const node = { ...database.connection, host: proxy.host, port: proxy.port };
    const byCallback = createCallbackCluster();
    const byPromise = createPromiseCluster();
    byCallback.add('one', node);
    byPromise.add('one', node);
    const called = (start: (done: () => void) => unknown): Promise<void> => new Promise((resolve) => void start(resolve));
    await called((done) => byCallback.of('*').query('DELETE FROM users WHERE id = ?', [7], done));
    expect(sent('DELETE')).toEqual([`DELETE FROM users WHERE id = 7 ${commentOf('DELETE users')}`]);
    await byPromise.of('*').query('REPLACE INTO users VALUES (?)', [7]);
    expect(sent('REPLACE')).toEqual([`REPLACE INTO users VALUES (7) ${commentOf('REPLACE users')}`]);
    for (let time = 0; time < 3; time += 1) {
      await called((done) => byCallback.of('*').execute('SELECT ? AS prepared', [time], done));
      await byPromise.of('*').execute('SELECT ? AS prepared', [time]);
    }
    // Once for each of the two connections.
    expect(sent('AS prepared')).toEqual(['SELECT ? AS prepared', 'SELECT ? AS prepared']);
    await called((done) => byCallback.end(done));
    await byPromise.end();
  });

  it('nothing here sees them: errors, digests, slow queries, spans and the keys of the cache', async () => {
    const cache = createQueryCache({});
    await using commented = await openCommented(true, { cache });
    const { pool, exporter, proxy } = commented;
    await expect(pool.query('SELECT * FROM nowhere')).rejects.toMatchObject({ sql: 'SELECT * FROM nowhere' });
    for (let time = 0; time < 3; time += 1) await pool.query({ sql: 'SELECT id FROM users', cache: { ttl: 60_000 } });
    expect(cache.stats()).toMatchObject({ entries: 1 });
    expect(proxy.statements.filter((sql) => sql.startsWith('SELECT id FROM users')).length).toBe(1);
    const shown = [pool.slowQueries(), exporter.getFinishedSpans().map(({ attributes }) => attributes)];
    expect(JSON.stringify(shown)).not.toContain('traceparent');
  });

  it('prepared statements, definitions, texts that have one, and the pool’s own statements are sent as they are', async () => {
    await using commented = await openCommented(true);
    const { pool, proxy } = commented;
    for (let time = 0; time < 3; time += 1) await pool.execute('SELECT ? AS prepared', [time]);
    await pool.query('CREATE VIEW all_users AS SELECT id FROM users');
    await pool.query("SELECT 1 /*route='mine'*/");
    await pool.query('BEGIN');
    const untouched = proxy.statements.filter((sql) => sql !== 'BEGIN' && !sql.startsWith('BEGIN '));
    expect(untouched).toEqual(
      expect.arrayContaining(['SELECT ? AS prepared', 'CREATE VIEW all_users AS SELECT id FROM users', "SELECT 1 /*route='mine'*/"]),
    );
    expect(untouched.filter((sql) => sql.includes('traceparent'))).toEqual([]);
    expect(untouched.filter((sql) => sql === 'SELECT ? AS prepared').length).toBe(1);
  });

  it('come from a propagator of the caller’s choice', async () => {
    const service: TextMapPropagator = {
      ...traceparent,
      inject: (_from, carrier, setter) => setter.set(carrier, 'service.name', "shopping 'cart'"),
    };
    await using commented = await openCommented(service);
    await commented.pool.query('DO 2');
    expect(commented.sent('DO 2')).toEqual(["DO 2 /*service.name='shopping%20%27cart%27'*/"]);
  });
});

describe('without SQL comments', () => {
  it('nothing is added, which is the default', async () => {
    await using commented = await openCommented(undefined);
    await commented.pool.query('DO 3');
    expect(commented.sent('DO 3')).toEqual(['DO 3']);
  });

  it('what is no propagator is refused', () => {
    expect(() => instrumentPools({ pools: [], sqlComments: 'yes' as never })).toThrow(/sqlComments/);
    expect(() => instrumentPools({ pools: [], sqlComments: null as never })).toThrow(/sqlComments/);
  });
});
