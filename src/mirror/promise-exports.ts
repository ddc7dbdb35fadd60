import mysql from 'mysql2/promise';
import type { OptionsBesideMysql2 } from '../mysql/drop-in-options.js';
import { createPromisePool, createPromisePoolCluster } from '../mysql/drop-in.js';

/** mysql2/promise's `createPool`, which also takes Poolwright's options. */
export interface CreatePromisePool {
  (connectionUri: string): mysql.Pool;
  (config: mysql.PoolOptions & OptionsBesideMysql2): mysql.Pool;
}

export type CreatePromisePoolCluster = typeof mysql.createPoolCluster;

export * from 'mysql2/promise';
export const createPool: CreatePromisePool = createPromisePool;
export const createPoolCluster: CreatePromisePoolCluster = createPromisePoolCluster;
// As in mysql2-exports.ts.
export const { Types, TypedParameter, Charsets, CharsetToEncoding } = mysql;
