/** A service under an agent: forty requests at a time over a pool of four, once for each way to make a pool; prints what the agent has collected. */
import { once } from 'node:events';
import net from 'node:net';

const REQUESTS = 40;
const LIMIT = 4;

/** Where sockets were connected to that are not on this machine: an agent calls out. */
const calledOut = [];
const sockets = net.Socket.prototype;
const connect = Reflect.get(sockets, 'connect');
sockets.connect = function (...parameters) {
  const [first] = parameters.flat();
  const host = typeof first === 'object' ? (first?.host ?? (first?.path === undefined ? 'localhost' : 'path')) : 'localhost';
  if (!['127.0.0.1', 'localhost', '::1', 'path'].includes(host)) calledOut.push(host);
  return connect.apply(this, parameters);
};

/** Pools that return promises, as mysql2's. */
const promises = (pool) => ({
  query: (sql) => pool.query(sql),
  execute: (sql, values) => pool.execute(sql, values),
  stream: (sql) => pool.pool.query(sql).stream(),
  async transaction(sql) {
    const connection = await pool.getConnection();
    await connection.beginTransaction();
    await connection.query(sql);
    await connection.commit();
    connection.release();
  },
  end: () => pool.end(),
});

/** Waits for a method that takes a callback. */
const called = (owner, method, ...parameters) =>
  new Promise((resolve, reject) => {
    owner[method](...parameters, (error, result) => (error ? reject(error) : resolve(result)));
  });

const callbacks = (pool, end = () => called(pool, 'end')) => ({
  query: (sql) => called(pool, 'query', sql),
  execute: (sql, values) => called(pool, 'execute', sql, values),
  stream: (sql) => pool.query(sql).stream(),
  async transaction(sql) {
    const connection = await called(pool, 'getConnection');
    await called(connection, 'beginTransaction');
    await called(connection, 'query', sql);
    await called(connection, 'commit');
    connection.release();
  },
  end,
});

const OPTIONS = { uri: process.env.TEST_URL, connectionLimit: LIMIT };

/** The ways to make a pool. */
const DOORS = {
  mysql2: async () => callbacks((await import('mysql2')).default.createPool(OPTIONS)),
  'mysql2/promise': async () => promises((await import('mysql2/promise')).default.createPool(OPTIONS)),
  'poolwright/mysql2': async () => callbacks((await import('poolwright/mysql2')).default.createPool(OPTIONS)),
  'poolwright/mysql2/promise': async () => promises((await import('poolwright/mysql2/promise')).default.createPool(OPTIONS)),
  async createPool() {
    const { createPool } = await import('poolwright');
    const { createQueryCache } = await import('poolwright/cache');
    const cache = createQueryCache();
    const pool = createPool(OPTIONS.uri, { connectionLimit: LIMIT, cache });
    const cached = { sql: 'SELECT 1 AS cached_read', cache: { ttl: 60_000 } };
    // Until the schema is known, reads are not cached.
    while (cache.stats().hits.memory === 0) await pool.query({ ...cached, sql: 'SELECT 1 AS warming_up' });
    return {
      ...promises(pool),
      transaction: (sql) => pool.transaction((tx) => tx.query(sql)),
      cachedRead: () => pool.query(cached),
    };
  },
  'pool.pool of createPool': async () => {
    const { createPool } = await import('poolwright');
    const pool = createPool(OPTIONS.uri, { connectionLimit: LIMIT });
    return callbacks(pool.pool, () => pool.end());
  },
};

/** What one request does; the names of columns say whose statement it is. */
async function serve(pool, request) {
  await pool.query(`SELECT 1 AS ${request}_first`);
  await Promise.all([pool.execute(`SELECT ? AS ${request}_execute`, [1]), pool.query(`SELECT SLEEP(0.002) AS ${request}_beside`)]);
  await pool.transaction(`SELECT 1 AS ${request}_in_transaction`);
  const stream = pool.stream(`SELECT 1 AS ${request}_stream UNION ALL SELECT 2`);
  stream.resume();
  await once(stream, 'end');
  await pool.query(`SELECT ${request}_error FROM does_not_exist`).catch(() => undefined);
  await pool.cachedRead?.();
  await pool.query(`SELECT 1 AS ${request}_last`);
}

const { tracing } = globalThis;
await tracing.ready?.();
const doors = process.argv.slice(2);
for (const door of doors) {
  const pool = await DOORS[door]();
  const names = Array.from({ length: REQUESTS }, (_, n) => `d${doors.indexOf(door)}_r${n}`);
  await Promise.all(names.map((name) => tracing.request(name, () => serve(pool, name))));
  await pool.end();
}
const spans = await tracing.spans();
console.log(JSON.stringify({ spans, calledOut }));
