import { describe, expect, it } from 'vitest';
import { createPool } from '../../../../src/mysql/create-pool.js';
import { isOverBefore } from '../../../support/before-timer.js';
import { waitFor } from '../../../support/wait-for.js';
import { errorOf } from '../../../support/pool-on-database.js';
import { startServer } from '../../../support/sql-servers/this-server.js';

describe('I10: drain() of a pool that has killed a statement, while the server is frozen', () => {
  it('keeps its deadline: the connection that kills is closed by force, too', async () => {
    await using server = await startServer();
    const pool = createPool(server.url(), { minIdle: 0 });
    await pool.query('SELECT 1');
    expect(await errorOf(pool.query({ sql: 'SELECT SLEEP(5)', timeout: 30 }))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    await waitFor('the kill', () => pool.stats().kills === 1);
    await server.kill('SIGSTOP');
    const inTime = await isOverBefore(4_000, () => pool.drain({ timeout: 200 }));
    await server.kill('SIGCONT');
    expect(inTime).toBe(true);
  });
});
