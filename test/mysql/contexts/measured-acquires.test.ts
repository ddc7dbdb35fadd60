/** Acquires where an agent measures them in mysql2's own methods: each goes through what the agent has put there, once. */
import { channel } from 'node:diagnostics_channel';
import mysql from 'mysql2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { poolOf } from '../../support/pool-on-database.js';
import { createDatabase } from '../../support/servers/database.js';

type Callback = (error: Error | null, connection?: { readonly threadId?: number }) => void;

interface PoolPrototype {
  getConnection(this: unknown, callback: Callback): void;
  query(this: unknown, ...parameters: unknown[]): unknown;
}

const measured = channel('apm:mysql2:connection:start');
const prototype = Object.getPrototypeOf((mysql as unknown as { Pool: { prototype: object } }).Pool.prototype) as PoolPrototype;
const original = { getConnection: Reflect.get(prototype, 'getConnection'), query: Reflect.get(prototype, 'query') };

/** What an agent has seen: acquires, each with what it was for and how it ended. */
let seen: { readonly statement: boolean; readonly outcome: string }[];
const subscriber = (): void => undefined;

/** As dd-trace does: what is asked for while `query` runs is asked for by a statement. */
function wrap(): void {
  let statement = false;
  prototype.query = function (...parameters) {
    statement = true;
    try {
      return Reflect.apply(original.query, this, parameters);
    } finally {
      statement = false;
    }
  };
  prototype.getConnection = function (callback) {
    const forStatement = statement;
    Reflect.apply(original.getConnection, this, [
      ((error, connection) => {
        seen.push({ statement: forStatement, outcome: error === null ? typeof connection?.threadId : error.message });
        callback(error, connection);
      }) satisfies Callback,
    ]);
  };
}

beforeEach(() => {
  seen = [];
  wrap();
});

afterEach(() => {
  measured.unsubscribe(subscriber);
  Object.assign(prototype, original);
});

const STATEMENT = { statement: true, outcome: 'number' };
const BORROWER = { statement: false, outcome: 'number' };

describe('with an agent that measures', () => {
  beforeEach(() => measured.subscribe(subscriber));

  it('each statement and each borrower goes through its methods, whether it waits or not', async () => {
    await using database = await createDatabase();
    await using pool = poolOf(database, { connectionLimit: 1 });
    await pool.query('SELECT 1');
    await Promise.all([pool.query('SELECT 1'), pool.execute('SELECT 1')]);
    expect(seen.splice(0)).toEqual([STATEMENT, STATEMENT, STATEMENT]);
    (await pool.getConnection()).release();
    await pool.transaction((tx) => tx.query('SELECT 1'));
    expect(seen.splice(0)).toEqual([BORROWER, BORROWER]);
    await new Promise((resolve) => {
      pool.pool.query('SELECT 1', resolve);
    });
    await new Promise<void>((resolve) => {
      pool.pool.getConnection((_error, connection) => {
        connection.release();
        resolve();
      });
    });
    expect(seen).toEqual([STATEMENT, BORROWER]);
    expect(pool.stats()).toMatchObject({ acquired: 7, used: 0, waiting: 0 });
  });

  it('a refusal goes through them, too', async () => {
    await using database = await createDatabase();
    await using pool = poolOf(database, { connectionLimit: 1, queueLimit: 1, acquireTimeout: 50 });
    await using held = await pool.getConnection({ timeout: 30_000 });
    const late = pool.query('SELECT 1');
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'POOL_QUEUE_FULL' });
    await expect(late).rejects.toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT' });
    expect(held.threadId).toBeTypeOf('number');
    expect(seen.map(({ statement, outcome }) => ({ statement, refused: outcome !== 'number' }))).toEqual([
      { statement: false, refused: false },
      { statement: true, refused: true },
      { statement: true, refused: true },
    ]);
  });

  it('a method that asks in another way, or not at all, costs no caller its connection (I2)', async () => {
    await using database = await createDatabase();
    prototype.getConnection = () => undefined;
    prototype.query = () => undefined;
    await using pool = poolOf(database, { connectionLimit: 1 });
    await Promise.all([pool.query('SELECT 1'), pool.query('SELECT 1')]);
    (await pool.getConnection()).release();
    expect(pool.stats()).toMatchObject({ acquired: 3, used: 0, waiting: 0 });
  });
});

it('without one, acquires do not go there', async () => {
  await using database = await createDatabase();
  await using pool = poolOf(database, { connectionLimit: 1 });
  await Promise.all([pool.query('SELECT 1'), pool.query('SELECT 1')]);
  (await pool.getConnection()).release();
  expect(seen).toEqual([]);
});
