import { describe, expect, it } from 'vitest';
import { connectionId, openPool, valueOf } from '../../../support/pool-on-database.js';

describe('a "connection" listener', () => {
  it('that sets sessions up costs no connection as long as borrowers leave nothing behind', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    pool.on('connection', (connection) => void connection.query("SET SESSION time_zone = '+03:00'"));
    const ids = new Set<number>();
    for (let round = 0; round < 4; round += 1) ids.add(await connectionId(pool));
    expect([ids.size, await valueOf(pool, '@@time_zone')]).toEqual([1, '+03:00']);
  });

  it('that only looks on costs no connection: its sessions can be reset', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    let seen = 0;
    pool.on('connection', () => void (seen += 1));
    for (let round = 0; round < 4; round += 1) await pool.query('SET @x = 1');
    expect(await valueOf(pool, '@x')).toBeNull();
    expect([seen, pool.stats().opened, pool.stats().resets]).toEqual([1, 1, 4]);
  });
});
