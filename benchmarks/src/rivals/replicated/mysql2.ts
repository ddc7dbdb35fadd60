import mysql from 'mysql2';
import promiseMysql from 'mysql2/promise';
import type { Address } from '../../scenario.js';
import { mysql2Options } from '../mysql2.js';
import { type OpenReadWritePool, rowsOf } from './read-write-pool.js';

/** One of mysql2's pools for each port of MySQL Router. */
export const openRouter: OpenReadWritePool = async ({ servers: { router }, limit }) => {
  const pools = [router.write, router.read].map((address, index) =>
    promiseMysql.createPool({ ...mysql2Options(address), connectionLimit: limit * (index + 1) }),
  );
  const [writer, reader] = pools as [promiseMysql.Pool, promiseMysql.Pool];
  return {
    write: (sql, values) => writer.query(sql, values as never),
    read: (sql, values) => reader.query(sql, values as never),
    rowsOf,
    close: () => Promise.all(pools.map((pool) => pool.end())),
  };
};

/** How long a server is left alone that could not be reached. */
const RESTORE_MS = 1_000;

/**
 * mysql2's own cluster of pools: writes to the first server that can be reached, reads to the replicas in turn. Without `restoreNodeTimeout` it removes
 * a server that cannot be reached, and ends its pool; what that pool was opening then throws out of any caller's reach, and ends the process.
 */
export const openPoolCluster: OpenReadWritePool = async ({ servers: { source, replicas }, limit }) => {
  const cluster = mysql.createPoolCluster({ restoreNodeTimeout: RESTORE_MS });
  const add = (id: string, address: Address): void =>
    cluster.add(id, { ...mysql2Options(address), connectionLimit: limit } as mysql.PoolOptions);
  for (const [index, address] of [source, ...replicas].entries()) add(`WRITE${index}`, address);
  for (const [index, address] of replicas.entries()) add(`READ${index}`, address);
  const [writers, readers] = [cluster.of('WRITE*', 'ORDER'), cluster.of('READ*', 'RR')];
  const query = (from: mysql.PoolNamespace, sql: string, values: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => from.query(sql, values as never, (error, rows) => (error ? reject(error) : resolve([rows]))));
  return {
    write: (sql, values) => query(writers, sql, values),
    read: (sql, values) => query(readers, sql, values),
    rowsOf,
    close: () => new Promise((resolve) => cluster.end(() => resolve(undefined))),
  };
};
