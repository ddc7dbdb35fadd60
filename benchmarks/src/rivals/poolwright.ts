import { createPool, type PoolConnection } from 'poolwright';
import type { Address } from '../scenario.js';
import type { ConnectionPool, PoolSettings, Row } from './lender.js';

function tlsOf({ ca }: Address): { readonly ssl?: { readonly ca: string } } {
  return ca === undefined ? {} : { ssl: { ca } };
}

export function openPoolwright({ address, limit, minimum = limit, acquireTimeoutMs, connectTimeoutMs }: PoolSettings): ConnectionPool {
  const { host, port, user, password, database } = address;
  const pool = createPool({
    host,
    port,
    user,
    password,
    database,
    ...tlsOf(address),
    connectionLimit: limit,
    minIdle: minimum,
    ...(acquireTimeoutMs === undefined ? {} : { acquireTimeout: acquireTimeoutMs }),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeout: connectTimeoutMs }),
  });
  return {
    acquire: () => pool.getConnection(),
    release: (connection) => (connection as PoolConnection).release(),
    acquireCancellable() {
      const controller = new AbortController();
      return { promise: pool.getConnection({ signal: controller.signal }), cancel: () => controller.abort() };
    },
    query: (sql, values, timeoutMs) =>
      timeoutMs === undefined ? pool.query(sql, values as never) : pool.query({ sql, values: values as never, timeout: timeoutMs }),
    execute: (sql, values) => pool.execute(sql, values as never),
    queryOn: (connection, sql, values) => (connection as PoolConnection).query(sql, values as never),
    rowsOf: (result) => (result as [Row[]])[0],
    transaction: (work) => pool.transaction(async (tx) => await work((sql, values) => tx.query(sql, values as never))),
    close: () => pool.end(),
  };
}
