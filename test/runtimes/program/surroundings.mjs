/** Checks of what surrounds statements: asynchronous context, the cache, channels, statistics, the monitoring server. */
import { strict as assert } from 'node:assert';
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createCluster, createPool, pools } from 'poolwright';
import { createQueryCache } from 'poolwright/cache';
import { check, connectionOptions, until } from './checks.mjs';

const store = new AsyncLocalStorage();

check("AsyncLocalStorage: promises, callbacks and streams have their caller's store", async () => {
  const pool = createPool(connectionOptions({ connectionLimit: 1 }));
  const seen = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      store.run(n, async () => {
        await pool.query('SELECT 1');
        const afterPromise = store.getStore();
        const inCallback = await new Promise((resolve) => pool.pool.query('SELECT 1', () => resolve(store.getStore())));
        const stream = pool.pool.query('SELECT 1 AS n').stream();
        let inEvent;
        stream.on('data', () => (inEvent = store.getStore()));
        await once(stream, 'end');
        const inTransaction = await pool.transaction(async (tx) => {
          await tx.execute('SELECT 1');
          return store.getStore();
        });
        return [afterPromise, inCallback, inEvent, inTransaction].every((value) => value === n);
      }),
    ),
  );
  assert.deepEqual(
    seen,
    Array.from({ length: 20 }, () => true),
  );
  await pool.end();
});

check("AsyncLocalStorage: the pool's own work keeps no caller's store", async () => {
  const seen = [];
  const pool = store.run('request', () =>
    createPool(connectionOptions({ onConnect: async () => void seen.push(store.getStore()), connectionLimit: 2 })),
  );
  await store.run('request', () => Promise.all([pool.query('SELECT SLEEP(0.05)'), pool.query('SELECT SLEEP(0.05)')]));
  assert.ok(seen.length > 0);
  assert.ok(
    seen.every((value) => value === undefined),
    JSON.stringify(seen),
  );
  await pool.end();
});

check('the cache in memory', async () => {
  const cache = createQueryCache();
  const pool = createPool(connectionOptions({ cache }));
  await pool.query('DROP TABLE IF EXISTS runtime_cache');
  await pool.query('CREATE TABLE runtime_cache (id INT PRIMARY KEY, name VARCHAR(20), at DATETIME, bytes BLOB) CHARSET utf8mb4');
  await pool.query("REPLACE INTO runtime_cache VALUES (1, 'ä😀', '2026-01-02 03:04:05', x'00ff')");
  const read = () => pool.query({ sql: 'SELECT * FROM runtime_cache WHERE id = 1', cache: { ttl: 60_000 } });
  const [[first]] = await read();
  // The first reads find out which tables there are.
  await until(
    async () => void (await read()),
    () => cache.stats().hits.memory > 0,
  );
  const [[second]] = await read();
  assert.deepEqual(second, first);
  assert.ok(second.at instanceof Date);
  assert.ok(Buffer.isBuffer(second.bytes));
  second.name = 'changed by a caller';
  await pool.query("UPDATE runtime_cache SET name = 'new' WHERE id = 1");
  const [[third]] = await read();
  assert.equal(third.name, 'new');
  await pool.query('DROP TABLE runtime_cache');
  await pool.end();
});

check("mysql2's tracing channels", async () => {
  const names = [];
  const listen = (_, name) => names.push(name);
  const channels = ['tracing:mysql2:query:start', 'tracing:mysql2:query:asyncEnd'];
  for (const name of channels) subscribe(name, listen);
  const pool = createPool(connectionOptions());
  const before = names.length;
  await pool.query('SELECT 1');
  for (const name of channels) unsubscribe(name, listen);
  await pool.end();
  assert.equal(before, 0);
  assert.ok(
    channels.every((name) => names.includes(name)),
    String(names),
  );
});

check('statistics, events and health', async () => {
  const pool = createPool(connectionOptions({ name: 'runtime' }));
  const events = [];
  pool.pool.on('acquire', () => events.push('acquire'));
  pool.pool.on('release', () => events.push('release'));
  for (let n = 0; n < 5; n += 1) await pool.query('SELECT 1');
  const borrowed = await pool.getConnection();
  borrowed.release();
  assert.deepEqual(events.slice(-2), ['acquire', 'release']);
  const health = await pool.health();
  assert.equal(health.status, 'healthy', JSON.stringify(health));
  const stats = pool.stats();
  assert.ok(Object.isFrozen(stats));
  assert.ok([...pools().values()].includes(pool));
  await pool.end();
});

check("a leak is reported with its caller's line", async () => {
  const pool = createPool(connectionOptions({ leakDetectionThreshold: 50 }));
  const reported = new Promise((resolve) => pool.watch('leak', resolve));
  const held = await pool.getConnection();
  const leak = await reported;
  assert.match(JSON.stringify(leak) + String(leak.stack ?? ''), /surroundings\.mjs/);
  held.release();
  await pool.end();
});

check('a pool in a worker thread', async () => {
  const worker = new Worker(new URL('thread.mjs', import.meta.url));
  const ended = once(worker, 'exit');
  const [n] = await once(worker, 'message');
  assert.equal(n, 7);
  await ended;
});

check("OpenTelemetry: the span of a statement is a child of its caller's", async () => {
  const { context, trace } = await import('@opentelemetry/api');
  const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks');
  const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
  const { instrumentPools } = await import('poolwright/otel');
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  const instrumentation = instrumentPools({ pools });
  const pool = createPool(connectionOptions());
  await trace.getTracer('contract').startActiveSpan('request', async (span) => {
    await pool.query('SELECT 1 AS traced');
    span.end();
  });
  await pool.end();
  instrumentation.stop();
  const spans = exporter.getFinishedSpans();
  const request = spans.find(({ name }) => name === 'request');
  const statement = spans.find(({ attributes }) => String(attributes['db.query.text']).includes('traced'));
  assert.equal(statement?.parentSpanContext?.spanId, request.spanContext().spanId);
});

check('a cluster of one server', async () => {
  const { host, port, ...options } = connectionOptions();
  const cluster = createCluster({ ...options, nodes: [{ host, port }], discovery: 'static' });
  const [[row]] = await cluster.query('SELECT 1 AS n');
  assert.equal(row.n, 1);
  await cluster.end();
});
