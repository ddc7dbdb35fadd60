import { createCluster } from 'poolwright';
import type { ConnectionPool, PoolSettings, Row } from './lender.js';

/** A cluster whose only node is the server, as a pool. */
export function openClusterOfOne({ address, limit }: PoolSettings): ConnectionPool {
  const { host, port, user, password, database } = address;
  const db = createCluster({
    nodes: [{ host, port }],
    discovery: 'static',
    user,
    password,
    database,
    connectionLimit: limit,
    minIdle: limit,
  });
  return {
    acquire: () => db.getConnection(),
    release: (connection) => (connection as Awaited<ReturnType<typeof db.getConnection>>).release(),
    query: (sql, values) => db.query(sql, values as never),
    execute: (sql, values) => db.execute(sql, values as never),
    queryOn: (connection, sql, values) => (connection as Awaited<ReturnType<typeof db.getConnection>>).query(sql, values as never),
    rowsOf: (result) => (result as [Row[]])[0],
    close: () => db.end(),
  };
}
