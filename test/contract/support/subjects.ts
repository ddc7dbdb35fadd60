import type { Pool as CallbackPool, PoolConnection as CallbackConnection, PoolOptions } from 'mysql2';
import mysql, { type Pool as PromisePool } from 'mysql2/promise';
import { createPool, type PoolOptions as OurPoolOptions } from '../../../src/index.js';
import { createPool as createDropIn } from '../../../src/mirror/promise.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';

/** One of those that the contract is held against. */
export interface Subject {
  readonly name: 'mysql2' | 'poolwright' | 'poolwright/mysql2/promise';
  create(options: PoolOptions): PromisePool;
}

/** mysql2's own defaults, where Poolwright's are others. */
const DEFAULTS_OF_MYSQL2: OurPoolOptions = {
  connectionLimit: 10,
  minIdle: 0,
  idleTimeout: 60_000,
  acquireTimeout: 0,
  hygiene: 'transaction',
};

export const mysql2: Subject = { name: 'mysql2', create: (options) => mysql.createPool(options) };

export const poolwright: Subject = {
  name: 'poolwright',
  create(options) {
    const { hygiene, ...others } = DEFAULTS_OF_MYSQL2;
    return createPool({ ...others, ...(options.resetOnRelease === true ? {} : { hygiene }), ...(options as OurPoolOptions) });
  },
};

/** What takes mysql2's place in code that is not changed. */
export const dropIn: Subject = { name: 'poolwright/mysql2/promise', create: (options) => createDropIn(options) };

export const SUBJECTS: readonly Subject[] = [mysql2, poolwright, dropIn];

/** A pool of a subject on a database of its own. */
export interface Fixture extends AsyncDisposable {
  readonly database: TestDatabase;
  /** The promise form. */
  readonly pool: PromisePool;
  /** The callback form of the same pool. */
  readonly callbacks: CallbackPool;
}

export async function open(subject: Subject, options: PoolOptions = {}): Promise<Fixture> {
  const database = await createDatabase();
  const pool = subject.create({ ...database.connection, ...options });
  return {
    database,
    pool,
    callbacks: pool.pool,
    async [Symbol.asyncDispose]() {
      await endOf(pool);
      await database[Symbol.asyncDispose]();
    },
  };
}

/** What instrumentation, data layers and mysql2's own tests read of its pool. */
export interface Internals {
  readonly _allConnections: Queue;
  readonly _freeConnections: Queue;
  readonly _connectionQueue: Queue;
  readonly _closed: boolean;
  readonly _removeIdleTimeoutConnectionsTimer: { readonly _destroyed: boolean };
  _createConnectionConfig(): object;
  readonly config: {
    connectionLimit: number;
    maxIdle: number;
    queueLimit: number;
    waitForConnections: boolean;
    idleTimeout: number;
    readonly connectionConfig: Readonly<Record<string, unknown>>;
  };
}

interface Queue {
  readonly length: number;
  get(index: number): unknown;
  toArray(): unknown[];
}

export function internalsOf(pool: PromisePool | CallbackPool): Internals {
  return ('pool' in pool ? pool.pool : pool) as unknown as Internals;
}

/** How many connections the pool has, how many of them are free, and how many callers wait. */
export function sizesOf(pool: PromisePool | CallbackPool): readonly [all: number, free: number, waiting: number] {
  const { _allConnections: all, _freeConnections: free, _connectionQueue: waiting } = internalsOf(pool);
  return [all.length, free.length, waiting.length];
}

/** mysql2's pool cannot be ended twice, and waits forever for a connection that does not answer. */
async function endOf(pool: PromisePool): Promise<void> {
  if (internalsOf(pool)._closed) return;
  await Promise.race([pool.end(), new Promise((resolve) => void setTimeout(resolve, 2_000).unref())]);
}

/** Borrows as callback users do. */
export function borrow(pool: CallbackPool): Promise<CallbackConnection> {
  return new Promise((resolve, reject) => {
    pool.getConnection((error, connection) => (error === null ? resolve(connection) : reject(error)));
  });
}

/** The error that a promise is rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & { readonly code?: string; readonly errno?: number }> {
  const value = await promise.then(
    (fulfilled) => ({ fulfilled }),
    (error: Error) => error,
  );
  if (value instanceof Error) return value;
  throw new Error(`It was fulfilled, with ${JSON.stringify(value.fulfilled)}.`);
}

/** The answer of a callback: its arguments, and whether it was called before the call that it was given to had returned. */
export interface Answer {
  readonly error: (Error & { readonly code?: string; readonly errno?: number }) | null | undefined;
  readonly results: readonly unknown[];
  readonly synchronous: boolean;
}

/** Calls something that takes a callback. */
export function answerOf(call: (callback: (...parameters: unknown[]) => void) => unknown): Promise<Answer> {
  return new Promise((resolve) => {
    let returned = false;
    call((error, ...results) => resolve({ error: error as Error | null, results, synchronous: !returned }));
    returned = true;
  });
}
