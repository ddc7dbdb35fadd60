import mariadb, { type PoolConnection } from 'mariadb';
import type { ConnectionPool, PoolSettings, Row } from './lender.js';

/** Its own driver. Its acquire time-out of 10 s is lengthened, as long queues are part of what is measured. */
const PATIENCE_MS = 60_000;

export function openMariadb({
  address,
  limit,
  minimum = limit,
  acquireTimeoutMs = PATIENCE_MS,
  connectTimeoutMs,
  queryTimeoutMs,
}: PoolSettings): ConnectionPool {
  const { host, port, user, password, database, ca } = address;
  const pool = mariadb.createPool({
    host,
    port,
    user,
    password,
    database,
    // Without TLS, MySQL takes a password only when it is encrypted with its key, for which this driver must be allowed to ask.
    ...(ca === undefined ? { allowPublicKeyRetrieval: true } : { ssl: { ca, rejectUnauthorized: true } }),
    connectionLimit: limit,
    minimumIdle: minimum,
    acquireTimeout: acquireTimeoutMs,
    ...(connectTimeoutMs === undefined ? {} : { connectTimeout: connectTimeoutMs }),
    // `queryTimeout` is kept by the server; one that stands still does not keep it.
    ...(queryTimeoutMs === undefined ? {} : { socketTimeout: queryTimeoutMs }),
  });
  // It reports failures to open connections here too; its types do not know.
  (pool as unknown as NodeJS.EventEmitter).on('error', () => undefined);
  return {
    acquire: () => pool.getConnection(),
    release: (connection) => (connection as PoolConnection).release(),
    query: (sql, values) => pool.query(sql, values),
    execute: (sql, values) => pool.execute(sql, values),
    queryOn: (connection, sql, values) => (connection as PoolConnection).query(sql, values),
    rowsOf: (result) => result as Row[],
    async transaction(work) {
      const connection = await pool.getConnection();
      try {
        await connection.beginTransaction();
        await work((sql, values) => connection.query(sql, values));
        await connection.commit();
      } catch (error) {
        await connection.rollback();
        throw error;
      } finally {
        await connection.release();
      }
    },
    close: () => pool.end(),
  };
}
