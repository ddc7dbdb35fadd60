import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { startStatementProxy, type StatementHandler, type StatementProxy } from '../../support/network/statement-proxy.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { errorOf, openPool, outcomeOf, poolOf, valueOf } from '../../support/pool-on-database.js';

interface Fixture extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly proxy: StatementProxy;
  readonly pool: Pool;
  /** How many rows the table has. */
  rows(): Promise<number>;
}

/** A pool behind a network that knows its statements, and a table `t`. */
async function fixture(onStatement: StatementHandler, options: PoolOptions = {}): Promise<Fixture> {
  const database = await createDatabase();
  await database.admin('CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT)');
  const proxy = await startStatementProxy({ port: database.port, onStatement });
  const pool = poolOf(database, { port: proxy.port, connectionLimit: 2, ...options });
  return {
    database,
    proxy,
    pool,
    rows: async () => Number((await database.admin('SELECT COUNT(*) AS count FROM t'))[0]?.['count']),
    async [Symbol.asyncDispose]() {
      await pool.end();
      await proxy[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Breaks the connection of the first so many statements that have this word, after the server got them, or before. */
function breaking(word: string, times: number, when: 'before' | 'after'): StatementHandler {
  let left = times;
  return ({ sql, link }) => {
    if (!sql.includes(word) || left === 0) return;
    left -= 1;
    if (when === 'before') link.reset();
    else {
      link.loseAnswers();
      setTimeout(() => link.reset(), 100);
    }
  };
}

describe('a statement whose connection breaks under it', () => {
  it.each(['before', 'after'] as const)(
    'is run again when its text proves that it only reads: broken %s the server has it',
    async (when) => {
      await using world = await fixture(breaking('AS value', 1, when));
      expect(await valueOf(world.pool, '7')).toBe(7);
      expect(world.pool.stats().statementRetries).toEqual({ retried: 1, recovered: 1, exhausted: 0, overBudget: 0 });
    },
  );

  it('I9: is not run again when it writes, whether the server had it or not', async () => {
    for (const [when, written] of [
      ['before', 0],
      ['after', 1],
    ] as const) {
      await using world = await fixture(breaking('INSERT', 1, when));
      expect(await errorOf(world.pool.query('INSERT INTO t (a) VALUES (1)'))).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
      expect(await world.rows()).toBeLessThanOrEqual(written);
      expect(world.proxy.statements.filter((sql) => sql.includes('INSERT')).length).toBeLessThanOrEqual(1);
      expect(world.pool.stats().statementRetries.retried).toBe(0);
    }
  });

  it('is run again when its caller says that it may be', async () => {
    await using world = await fixture(breaking('UPDATE', 2, 'after'));
    await world.database.admin('INSERT INTO t (a) VALUES (1)');
    const [result] = await world.pool.query({ sql: 'UPDATE t SET a = ?', values: [5], idempotent: true });
    // It took effect twice, which does no harm.
    expect(result).toMatchObject({ affectedRows: 1, changedRows: 0 });
    expect(await valueOf(world.pool, '(SELECT a FROM t)')).toBe(5);
    expect(world.pool.stats().statementRetries).toEqual({ retried: 2, recovered: 1, exhausted: 0, overBudget: 0 });
  });

  it('is run again as a prepared one, with its values', async () => {
    await using world = await fixture(breaking('EXECUTE', 1, 'before'));
    const [rows] = await world.pool.execute('SELECT ? + 1 AS value', [6]);
    expect(rows).toEqual([{ value: 7 }]);
    expect(world.pool.stats().statementRetries.recovered).toBe(1);
  });

  it('is given up after three runs', async () => {
    await using world = await fixture(breaking('AS value', 9, 'before'));
    expect(await errorOf(valueOf(world.pool, '7'))).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
    expect(world.proxy.statements.filter((sql) => sql.includes('AS value')).length).toBeLessThanOrEqual(3);
    expect(world.pool.stats().statementRetries).toEqual({ retried: 2, recovered: 0, exhausted: 1, overBudget: 0 });
  });

  it('is not run again when it reads a file of the client, no matter what its caller says: the first run has used its stream up', async () => {
    await using world = await fixture(breaking('LOAD DATA', 1, 'after'));
    const rows = [Buffer.from('1\n'), Buffer.from('2\n')];
    let streams = 0;
    const infileStreamFactory = (): Readable => {
      streams += 1;
      return Readable.from(rows.splice(0));
    };
    const sql = "LOAD DATA LOCAL INFILE 'any' INTO TABLE t (a)";
    expect(await errorOf(world.pool.query({ sql, infileStreamFactory, idempotent: true }))).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
    expect(streams).toBeLessThanOrEqual(1);
    expect(world.pool.stats().statementRetries.retried).toBe(0);
  });

  it('is not run again when its rows are read as a stream: some of them may have been seen', async () => {
    await using world = await fixture(breaking('AS value', 1, 'after'));
    const stream = world.pool.pool.query({ sql: 'SELECT 7 AS value', idempotent: true } as never).stream();
    expect(await errorOf(stream.toArray())).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST' });
    expect(world.proxy.statements.filter((sql) => sql.includes('AS value'))).toHaveLength(1);
  });

  it('is not run again when the options say so', async () => {
    for (const retries of [false, { readOnly: false }] as const) {
      await using world = await fixture(breaking('AS value', 1, 'before'), { retries });
      expect(await errorOf(valueOf(world.pool, '7'))).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
    }
  });

  it('I9: is not run again inside a transaction, neither a managed one nor one that hygiene has left open', async () => {
    await using world = await fixture(breaking('AS value', 2, 'before'), { hygiene: 'never', connectionLimit: 1 });
    expect(await errorOf(world.pool.transaction((tx) => tx.query('SELECT 1 AS value')))).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
    await world.pool.query('START TRANSACTION');
    expect(await errorOf(world.pool.query({ sql: 'SELECT 1 AS value', idempotent: true }))).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
    expect(world.pool.stats().statementRetries.retried).toBe(0);
  });

  it('keeps its deadline, and hears its signal between two runs', async () => {
    const retries = { shortestDelay: 60_000, longestDelay: 60_000, totalTime: 600_000 };
    await using world = await fixture(breaking('AS value', 9, 'before'), { retries });
    // No time for another run.
    expect(await errorOf(world.pool.query({ sql: 'SELECT 1 AS value', timeout: 5_000 }))).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
    const controller = new AbortController();
    const running = errorOf(world.pool.query({ sql: 'SELECT 1 AS value', signal: controller.signal }));
    await waitFor('the retry to be decided', () => world.pool.stats().statementRetries.retried === 1);
    controller.abort('gone');
    expect(await running).toMatchObject({ code: 'POOL_ABORTED', cause: 'gone' });
  });
});

describe('the budget of the pool', () => {
  it('keeps retries from becoming the load when every statement fails', async () => {
    const options: PoolOptions = { connectionLimit: 10, breakers: false, retries: { budgetMinimum: 5, attempts: 5 } };
    await using world = await fixture(breaking('AS value', 1_000, 'before'), options);
    const outcomes = await Promise.all(Array.from({ length: 60 }, () => outcomeOf(valueOf(world.pool, '7'))));
    expect(outcomes.every((outcome) => 'error' in outcome)).toBe(true);
    const { retried, overBudget } = world.pool.stats().statementRetries;
    expect(retried).toBeGreaterThanOrEqual(5);
    expect(retried).toBeLessThanOrEqual(12);
    expect(overBudget).toBeGreaterThan(0);
  });
});

describe('a statement that was never sent', () => {
  it('goes to another connection, even if it is a write', async () => {
    await using opened = await openPool({ connectionLimit: 1 });
    const { pool } = opened;
    await pool.query('CREATE TABLE t (a INT)');
    const connection = await pool.getConnection();
    const raw = (
      connection as unknown as { connection: { _fatalError: Error | null; addCommand: unknown; _addCommandClosedState: unknown } }
    ).connection;
    connection.release();
    // Dead, and the pool has not learned it yet, as between the error of a socket and its event.
    raw.addCommand = raw._addCommandClosedState;
    await pool.query('INSERT INTO t (a) VALUES (1)');
    expect(await valueOf(pool, '(SELECT COUNT(*) FROM t)')).toBe(1);
    expect(pool.stats()).toMatchObject({ opened: 2, statementRetries: { retried: 1, recovered: 1 } });
  });
});

describe('idempotent statements', () => {
  it('survive that nothing can be opened for a moment', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    const retries = { attempts: 50, shortestDelay: 50, longestDelay: 100, totalTime: 20_000 };
    await using pool = poolOf(database, { port: proxy.port, retries, breakers: false });
    proxy.refuse();
    pool.watch('connectFailed', () => void proxy.accept());
    const [rows] = await pool.query({ sql: 'SELECT 7 AS value', idempotent: true });
    expect(rows).toEqual([{ value: 7 }]);
    expect(pool.stats()).toMatchObject({ connectErrors: 1, statementRetries: { recovered: 1 } });
  });
});

describe('a statement that is to be run again', () => {
  it('and finds no connection for it fails as its last run did', async () => {
    await using world = await fixture(breaking('AS value', 1, 'before'), { retries: { shortestDelay: 200, longestDelay: 200 } });
    const running = errorOf(valueOf(world.pool, '7'));
    await waitFor('the retry to be decided', () => world.pool.stats().statementRetries.retried === 1);
    world.pool.breakers.statement.isolate();
    expect(await running).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
    expect(world.pool.stats().statementRetries).toMatchObject({ recovered: 0, exhausted: 1 });
  });
});

describe('a fallback', () => {
  it('answers while a breaker is open, and only then', async () => {
    await using opened = await openPool();
    const { pool } = opened;
    const seen: unknown[] = [];
    const query = () =>
      pool.query({
        sql: 'SELECT 7 AS value',
        fallback: (error) => {
          seen.push(error.code);
          return [[{ value: 'from memory' }], []];
        },
      });
    expect((await query())[0]).toEqual([{ value: 7 }]);
    const letGo = pool.breakers.statement.isolate();
    expect((await query())[0]).toEqual([{ value: 'from memory' }]);
    expect(seen).toEqual(['POOL_BREAKER_OPEN']);
    const failing = pool.query({ sql: 'SELECT 1', fallback: () => Promise.reject(new Error('nothing in memory')) });
    expect(await errorOf(failing)).toMatchObject({ message: 'nothing in memory' });
    letGo();
    expect(await errorOf(pool.query({ sql: 'SELECT nonsense', fallback: () => [[], []] }))).toMatchObject({ errno: 1054 });
  });
});

describe('what is no statement', () => {
  it.each([undefined, null, 5, {}])('%o is refused as mysql2 refuses it', async (sql) => {
    await using opened = await openPool();
    await errorOf(opened.pool.query(sql as never));
    expect(await valueOf(opened.pool, '7')).toBe(7);
  });
});
