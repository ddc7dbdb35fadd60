import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../../support/servers/database.js';
import { startTcpProxy } from '../../../support/network/tcp-proxy.js';
import { isOverBefore } from '../../../support/before-timer.js';
import { poolOf } from '../../../support/pool-on-database.js';

describe('end() while the server does not answer', () => {
  it('waits no longer for idle connections than a goodbye may take: the long wait is for what borrowers have sent', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    const pool = poolOf(database, { port: proxy.port, connectionLimit: 2 });
    const borrowed = await pool.getConnection();
    await pool.query('SELECT 1');
    borrowed.release();
    proxy.pause();
    expect(await isOverBefore(2_500, () => pool.end())).toBe(true);
  });
});
