import { createConnection } from 'mysql2/promise';
import { hasSubscribers } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import type { PoolOptions } from '../../src/mysql/options/table.js';
import { instrumentPools } from '../../src/telemetry/otel.js';
import { poolOf } from '../support/pool-on-database.js';
import { createDatabase } from '../support/servers/database.js';
import { makeTracing } from './collectors.js';

/** A value that ends its text, where backslashes escape nothing: a reader of the text with values cannot know. */
const UNCLEAR = "it's \\' OR 1";

async function openTraced(options: PoolOptions = {}) {
  const database = await createDatabase();
  await database.admin('CREATE TABLE users (id INT, name VARCHAR(40))');
  const pool = poolOf(database, options);
  const { exporter, tracerProvider } = makeTracing();
  const instrumentation = instrumentPools({ pools: pool, tracerProvider });
  return {
    database,
    pool,
    /** The summaries and texts of the test's own statements since the last call. */
    shown: () => {
      const texts = exporter.getFinishedSpans().map(({ name, attributes }) => [name, String(attributes['db.query.text'])] as const);
      exporter.reset();
      // Beside the pool's own, such as those that set up a session.
      return texts.filter(([, text]) => /users|^DO/.test(text));
    },
    async [Symbol.asyncDispose]() {
      instrumentation.stop();
      await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** A value whose text mysql2 cannot make. */
function unreadable(): Date {
  const refuse = (): never => {
    throw new Error('unreadable');
  };
  return Object.assign(new Date(), { getTime: refuse, valueOf: refuse, getFullYear: refuse });
}

const SQL = 'SELECT id FROM users WHERE name = ? AND id > ?';
const SHOWN = ['SELECT users', SQL];

describe('a span shows the text that its caller gave, before values are put into it', () => {
  it('at every door', async () => {
    await using traced = await openTraced();
    const { pool, shown } = traced;
    await pool.query(SQL, [UNCLEAR, 1]);
    await pool.query({ sql: SQL, values: [UNCLEAR, 1], rowsAsArray: true });
    await new Promise((resolve) => void pool.pool.query(SQL, [UNCLEAR, 1], resolve));
    await pool.pool.promise().query(SQL, [UNCLEAR, 1]);
    expect(shown()).toEqual([SHOWN, SHOWN, SHOWN, SHOWN]);
    await pool.transaction(async (tx) => await tx.query(SQL, [UNCLEAR, 1]));
    await using connection = await pool.getConnection();
    await connection.query(SQL, [UNCLEAR, 1]);
    expect(shown()).toEqual([SHOWN, SHOWN]);
  });

  it('but not where more than values is put into it', async () => {
    await using traced = await openTraced();
    const { pool, shown } = traced;
    await pool.query('SELECT ?? FROM ?? WHERE id = ?', ['id', 'users', 1]);
    await pool.query('INSERT INTO users SET ?', [{ id: 1, name: 'Ann' }]);
    await pool.query('INSERT INTO users VALUES ?', [
      [
        [1, 'Ann'],
        [2, 'Bob'],
      ],
    ]);
    await pool.query({ sql: 'SELECT id FROM users WHERE id = :id', values: { id: 1 }, namedPlaceholders: true });
    expect(shown()).toEqual([
      ['SELECT users', 'SELECT `id` FROM `users` WHERE id = ?'],
      ['INSERT users', 'INSERT INTO users SET `id` = ?, `name` = ?'],
      ['INSERT users', 'INSERT INTO users VALUES (?)'],
      ['SELECT users', 'SELECT id FROM users WHERE id = ?'],
    ]);
  });

  it('nor where a function of the application puts the values in', async () => {
    await using traced = await openTraced({ queryFormat: (sql: string) => sql.replace('?', 'users') });
    await traced.pool.query('SELECT id FROM ?', [1]);
    expect(traced.shown()).toEqual([['SELECT users', 'SELECT id FROM users']]);
  });

  it('and is of no other statement', async () => {
    await using traced = await openTraced();
    const { database, pool, shown } = traced;
    await using connection = await createConnection({ ...database.connection });
    await expect(pool.query(SQL, [unreadable(), 1])).rejects.toThrow('unreadable');
    await connection.query('DO 1');
    expect(shown()).toEqual([['DO', 'DO ?']]);
    await pool.query(SQL, ['Ann', 1]);
    await connection.query('DO 1');
    await pool.query('DO 2');
    expect(shown()).toEqual([SHOWN, ['DO', 'DO ?'], ['DO', 'DO ?']]);
  });

  it('and nothing is published without a tracer', async () => {
    const traced = await openTraced();
    expect(hasSubscribers('poolwright:statement:text')).toBe(true);
    await traced[Symbol.asyncDispose]();
    expect(hasSubscribers('poolwright:statement:text')).toBe(false);
  });
});
