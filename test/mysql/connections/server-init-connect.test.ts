import { describe, expect, it } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';
import { valueOf } from '../../support/pool-on-database.js';
import { startServer } from '../../support/sql-servers/this-server.js';

describe('I8: what the server’s init_connect sets up', () => {
  it('is part of the baseline: it survives a reset', async () => {
    await using server = await startServer({ arguments: ["--init-connect=SET time_zone = '+04:00'"] });
    await using pool = createPool(server.url(), { connectionLimit: 1, minIdle: 0 });
    expect(await valueOf(pool, '@@time_zone')).toBe('+04:00');
    await pool.query('SET @x = 1');
    expect(await valueOf(pool, '@@time_zone')).toBe('+04:00');
  });
});
