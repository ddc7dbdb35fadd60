import { describe, expect, it } from 'vitest';
import type { ClassifyError, ServerError } from '../../../src/mysql/errors/error-classes.js';
import { createDatabase } from '../../support/servers/database.js';
import { connectionId, errorOf, openPool, poolOf } from '../../support/pool-on-database.js';

function raise(errno: number): string {
  return `SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = ${errno}, MESSAGE_TEXT = 'read-only, for the test'`;
}

describe('I7: classifyError', () => {
  it('is asked about every error of the server, and what it says overrides what the pool knows', async () => {
    const asked: ServerError[] = [];
    const classifyError: ClassifyError = (error) => {
      asked.push(error);
      if (error.errno === 1290) return 'work-failed';
      return error.errno === 9999 ? 'connection-fatal' : undefined;
    };
    await using fixture = await openPool({ connectionLimit: 1, classifyError });
    const { pool } = fixture;
    const first = await connectionId(pool);
    await errorOf(pool.query(raise(1290)));
    expect(await connectionId(pool)).toBe(first);
    await errorOf(pool.query(raise(9999)));
    const second = await connectionId(pool);
    expect(second).not.toBe(first);
    // It has no opinion on this one.
    await errorOf(pool.query(raise(1927)));
    expect(await connectionId(pool)).not.toBe(second);
    expect(asked[0]).toEqual({ errno: 1290, sqlState: '45000', message: 'read-only, for the test' });
    expect(asked.map(({ errno }) => errno)).toEqual([1290, 9999, 1927]);
  });

  it('may say that the endpoint must not be used: every connection is retired', async () => {
    await using fixture = await openPool({
      connectionLimit: 3,
      classifyError: ({ errno }) => (errno === 9999 ? 'endpoint-poisoned' : undefined),
    });
    const { pool, database } = fixture;
    await Promise.all([1, 2, 3].map(() => pool.query('SELECT SLEEP(0.05)')));
    const before = (await database.processlist()).map(({ id }) => id);
    await errorOf(pool.query(raise(9999)));
    await Promise.all([1, 2, 3].map(() => pool.query('SELECT SLEEP(0.05)')));
    const after = (await database.processlist()).map(({ id }) => id);
    expect(after.filter((id) => before.includes(id))).toEqual([]);
  });

  it('may say that a failure to connect will pass: it is tried again soon', async () => {
    await using database = await createDatabase();
    await using strict = poolOf(database, { password: 'wrong' });
    await using patient = poolOf(database, {
      password: 'wrong',
      classifyError: ({ errno }) => (errno === 1045 ? 'connect-transient' : undefined),
    });
    const told = async (pool: typeof strict): Promise<void> => {
      for (let round = 0; round < 6; round += 1) {
        expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 1045 } });
      }
    };
    await told(strict);
    await told(patient);
    // A failure that will come again reaches callers from memory; another one comes from the next attempt.
    expect(strict.stats().connectErrors).toBeLessThan(6);
    expect(patient.stats().connectErrors).toBe(6);
  });
});
