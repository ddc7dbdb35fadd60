import mysql from 'mysql2';
import promiseMysql, { type Connection, type PoolConnection } from 'mysql2/promise';
import type { Address } from '../scenario.js';
import type { ConnectionPool, PoolSettings, Row } from './lender.js';

/** One object for all connections, as its manual's examples have: TLS sessions are then resumed. */
export function mysql2Options({ host, port, user, password, database, ca }: Address): promiseMysql.ConnectionOptions {
  const ssl = ca === undefined ? {} : { ssl: { ca, rejectUnauthorized: true, verifyIdentity: true } };
  return { host, port, user, password, database, ...ssl };
}

/** mysql2's promise pool. */
export function openMysql2({ address, limit, connectTimeoutMs }: PoolSettings): ConnectionPool {
  const pool = promiseMysql.createPool({
    ...mysql2Options(address),
    connectionLimit: limit,
    ...(connectTimeoutMs === undefined ? {} : { connectTimeout: connectTimeoutMs }),
  });
  return {
    acquire: () => pool.getConnection(),
    release: (connection) => (connection as PoolConnection).release(),
    query: (sql, values, timeoutMs) =>
      timeoutMs === undefined ? pool.query(sql, values as never) : pool.query({ sql, values: values as never, timeout: timeoutMs }),
    execute: (sql, values) => pool.execute(sql, values as never),
    queryOn: (connection, sql, values) => (connection as PoolConnection).query(sql, values as never),
    rowsOf,
    async transaction(work) {
      const connection = await pool.getConnection();
      try {
        await connection.beginTransaction();
        await work((sql, values) => connection.query(sql, values as never));
        await connection.commit();
      } catch (error) {
        await connection.rollback();
        throw error;
      } finally {
        connection.release();
      }
    },
    close: () => pool.end(),
  };
}

/** mysql2's callback pool, whose callbacks settle a promise: what users write who want promises without its promise layer. */
export function openMysql2Callbacks({ address, limit }: PoolSettings): ConnectionPool {
  const pool = mysql.createPool({ ...mysql2Options(address), connectionLimit: limit } as mysql.PoolOptions);
  return {
    acquire: () =>
      new Promise((resolve, reject) => pool.getConnection((error, connection) => (error ? reject(error) : resolve(connection)))),
    release: (connection) => (connection as mysql.PoolConnection).release(),
    query: (sql, values) =>
      new Promise((resolve, reject) => pool.query(sql, values as never, (error, rows) => (error ? reject(error) : resolve(rows)))),
    execute: (sql, values) =>
      new Promise((resolve, reject) => pool.execute(sql, values as never, (error, rows) => (error ? reject(error) : resolve(rows)))),
    queryOn: (connection, sql, values) =>
      new Promise((resolve, reject) =>
        (connection as mysql.PoolConnection).query(sql, values as never, (error, rows) => (error ? reject(error) : resolve(rows))),
      ),
    rowsOf: (result) => result as Row[],
    close: () => pool.promise().end(),
  };
}

/** No pool: callers take the connections in turn, and each connection runs its statements one after the other. */
export async function openConnections({ address, limit }: PoolSettings): Promise<ConnectionPool> {
  const options = mysql2Options(address);
  const connections = await Promise.all(Array.from({ length: limit }, () => promiseMysql.createConnection(options)));
  let turn = 0;
  const next = (): Connection => connections[(turn = (turn + 1) % limit)] as Connection;
  return {
    acquire: () => Promise.resolve(next()),
    release: () => undefined,
    query: (sql, values) => next().query(sql, values as never),
    execute: (sql, values) => next().execute(sql, values as never),
    queryOn: (connection, sql, values) => (connection as Connection).query(sql, values as never),
    rowsOf,
    close: () => Promise.all(connections.map((connection) => connection.end())),
  };
}

function rowsOf(result: unknown): readonly Row[] {
  return (result as [Row[]])[0];
}
