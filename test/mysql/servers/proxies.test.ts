/** The pool through HAProxy and MySQL Router. */
import type { TestContext } from 'vitest';
import { describe, expect, it } from 'vitest';
import { fetchedVersions } from '../../../scripts/servers/fetch.mjs';
import { createDatabase } from '../../support/servers/database.js';
import { connectionId, errorOf, isInTransaction, poolOf, valueOf } from '../../support/pool-on-database.js';
import { startHaProxy } from '../../support/sql-servers/haproxy.js';
import { startMySqlRouter } from '../../support/sql-servers/mysql-router.js';
import { waitFor } from '../../support/wait-for.js';
import { createLedger, INSERT, ledgerIds } from '../support/ledger.js';

function needsRouter({ skip }: Pick<TestContext, 'skip'>): void {
  skip(fetchedVersions('mysql') === undefined, 'MySQL Router comes with MySQL, which is not there.');
}

describe('through HAProxy', () => {
  it('connections that it cuts for being idle are replaced, and no caller notices', async () => {
    await using database = await createDatabase();
    await using proxy = await startHaProxy([database], { defaults: ['timeout client 300ms', 'timeout server 300ms'] });
    await using pool = poolOf(database, { port: proxy.port, connectionLimit: 2 });
    const first = await connectionId(pool);
    for (let round = 1; round <= 3; round += 1) {
      await waitFor('HAProxy to cut the idle connections', () => pool.summary().total === 0);
      expect(await connectionId(pool)).not.toBe(first);
    }
    expect(pool.stats()).toMatchObject({ connectErrors: 0, queryErrorsByErrno: {} });
  });
});

describe('through MySQL Router', () => {
  it('that passes everything on, statements, transactions, resets and kills are as without it', async (context) => {
    needsRouter(context);
    await using database = await createDatabase();
    await createLedger(database);
    await using router = await startMySqlRouter([database]);
    await using pool = poolOf(database, { port: router.port, connectionLimit: 1 });
    await pool.transaction((tx) => tx.execute(INSERT, [1, 'through']));
    expect(await ledgerIds(database)).toEqual([1]);
    await pool.query("SET @left = 'behind'");
    expect(await valueOf(pool, '@left')).toBeNull();
    expect(await errorOf(pool.query({ sql: 'SELECT SLEEP(60)', timeout: 300 }))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    await waitFor('the kill to be acknowledged', () => pool.stats().kills === 1);
    expect(await valueOf(pool, '1')).toBe(1);
    expect(pool.stats()).toMatchObject({ opened: 1, resets: 1 });
  });

  it('that shares connections, sessions stay clean, and what takes too long is cut off, not killed', async (context) => {
    needsRouter(context);
    await using database = await createDatabase();
    context.skip(database.server.family !== 'mysql', 'MySQL Router shares connections of MySQL only.');
    await createLedger(database);
    await using router = await startMySqlRouter([database], {
      route: { connection_sharing: '1', connection_sharing_delay: '0', client_ssl_mode: 'DISABLED', server_ssl_mode: 'DISABLED' },
      sections: { connection_pool: { max_idle_server_connections: '8' } },
    });
    await using pool = poolOf(database, { port: router.port, connectionLimit: 2 });
    await pool.transaction((tx) => tx.query(INSERT, [1, 'through']));
    expect(await ledgerIds(database)).toEqual([1]);
    await pool.query("SET @left = 'behind'");
    expect(await valueOf(pool, '@left')).toBeNull();
    expect(await errorOf(pool.query({ sql: 'SELECT SLEEP(60)', timeout: 300 }))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    expect(await isInTransaction(pool)).toBe(false);
    expect(pool.stats().kills).toBe(0);
  });
});
