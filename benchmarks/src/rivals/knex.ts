import createKnex from 'knex';
import type { ConnectionPool, PoolSettings, Row } from './lender.js';
import { mysql2Options } from './mysql2.js';

const ignore = (): void => undefined;

/** knex: tarn over mysql2's connections, with raw statements, so that no time goes into building SQL. A raw statement is a thenable, not a promise. */
export function openKnex({ address, limit, minimum = limit, acquireTimeoutMs, connectTimeoutMs }: PoolSettings): ConnectionPool {
  const knex = createKnex({
    client: 'mysql2',
    connection: { ...mysql2Options(address), ...(connectTimeoutMs === undefined ? {} : { connectTimeout: connectTimeoutMs }) } as never,
    pool: { min: minimum, max: limit },
    // It would print every failure to connect, and be charged for that.
    log: { warn: ignore, error: ignore, deprecate: ignore, debug: ignore },
    ...(acquireTimeoutMs === undefined ? {} : { acquireConnectionTimeout: acquireTimeoutMs }),
  });
  const { client } = knex as unknown as {
    readonly client: { acquireConnection(): Promise<unknown>; releaseConnection(connection: unknown): Promise<void> };
  };
  return {
    acquire: () => client.acquireConnection(),
    release: (connection) => client.releaseConnection(connection),
    query(sql, values, timeoutMs) {
      const statement = knex.raw(sql, values as never);
      return timeoutMs === undefined ? statement : statement.timeout(timeoutMs);
    },
    queryOn: (connection, sql, values) => knex.raw(sql, values as never).connection(connection),
    rowsOf: (result) => (result as [Row[]])[0],
    transaction: (work) => knex.transaction((trx) => work((sql, values) => trx.raw(sql, values as never))),
    close: () => knex.destroy(),
  };
}
