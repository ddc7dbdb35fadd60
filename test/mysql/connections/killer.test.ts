import { describe, expect, it } from 'vitest';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import { createDatabase } from '../../support/servers/database.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { errorOf, openPool, poolOf } from '../../support/pool-on-database.js';

const SLEEP = 'SELECT SLEEP(10)';

describe('a statement that is given up', () => {
  it('is killed even where the server does not see our own address, and the connections stay', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using pool = poolOf(database, { port: proxy.port, connectionLimit: 3, minIdle: 3 });
    await pool.ready();
    for (let round = 1; round <= 3; round += 1) {
      const failures = [1, 2, 3].map(() => errorOf(pool.query({ sql: SLEEP, timeout: 100 })));
      for (const error of await Promise.all(failures)) expect(error).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
      await waitFor('nothing to run', async () => (await database.processlist()).every(({ info }) => info !== SLEEP));
      await waitFor('the connections to be clean', () => pool.summary().idle === 3);
      expect(pool.stats()).toMatchObject({ kills: 3 * round, opened: 3, closed: 0 });
    }
  });

  it.each<[string, PoolOptions]>([
    ['rowsAsArray', { rowsAsArray: true }],
    ['nestTables', { nestTables: true }],
    ['typeCast', { typeCast: () => 'cast' }],
    ['namedPlaceholders', { namedPlaceholders: true }],
    ['charset binary', { charset: 'binary' }],
  ])('is killed no matter what the pool makes of results: %s', async (_, options) => {
    await using fixture = await openPool({ connectionLimit: 1, ...options });
    const { pool } = fixture;
    await pool.query('SELECT 1');
    expect(await errorOf(pool.query({ sql: SLEEP, timeout: 100 }))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    await waitFor('the connection to be clean', () => pool.summary().idle === 1);
    expect(pool.stats()).toMatchObject({ kills: 1, opened: 1, closed: 0 });
  });
});
