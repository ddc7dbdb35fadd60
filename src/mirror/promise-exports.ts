/** The exports of mysql2/promise, with managed pools in place of its own. */
import mysql from 'mysql2/promise';
import type { OptionsBesideMysql2, PromisePool } from '../mysql/index.js';
import { createPromisePool, createPromisePoolCluster } from '../mysql/drop-in.js';

/** mysql2/promise's `createPool`, which also takes Poolwright's options, as do the statements of its pool. */
export interface CreatePromisePool {
  (connectionUri: string): PromisePool;
  (config: Omit<mysql.PoolOptions, 'connectionLimit'> & OptionsBesideMysql2): PromisePool;
}

export type CreatePromisePoolCluster = typeof mysql.createPoolCluster;

export * from 'mysql2/promise';
export const createPool: CreatePromisePool = createPromisePool;
export const createPoolCluster: CreatePromisePoolCluster = createPromisePoolCluster;
// As in mysql2-exports.ts.
export const { Types, TypedParameter, Charsets, CharsetToEncoding } = mysql;
