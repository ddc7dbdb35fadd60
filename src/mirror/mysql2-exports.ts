/** The exports of mysql2, with managed pools in place of its own. */
import mysql from 'mysql2';
import type mysqlPromise from 'mysql2/promise';
import type { CallbackPoolView, OptionsBesideMysql2 } from '../mysql/index.js';
import { createCallbackPool, createCallbackPoolCluster, createPromisePool, createPromisePoolCluster } from '../mysql/drop-in.js';
import type { CreatePromisePool, CreatePromisePoolCluster } from './promise-exports.js';

/** mysql2's `createPool`, which also takes Poolwright's options, as do the statements of its pool. */
export interface CreatePool {
  (connectionUri: string): CallbackPoolView;
  (config: Omit<mysql.PoolOptions, 'connectionLimit'> & OptionsBesideMysql2): CallbackPoolView;
}

export * from 'mysql2';
export const createPool = createCallbackPool as unknown as CreatePool;
export const createPoolCluster = createCallbackPoolCluster as unknown as typeof mysql.createPoolCluster;
export const createPoolPromise: CreatePromisePool = createPromisePool;
export const createPoolClusterPromise: CreatePromisePoolCluster = createPromisePoolCluster;
// Getters of mysql2. Node finds the exports of a CommonJS module in its text, and does not see these there.
export const { Types, TypedParameter, Charsets, CharsetToEncoding } = mysql;
export const { createConnectionPromise } = mysql as unknown as {
  readonly createConnectionPromise: typeof mysqlPromise.createConnection;
};
