import { tracingChannel } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { borrowByCallback, openPool } from '../../support/pool-on-database.js';

describe('the diagnostics channel "mysql2:pool:connect"', () => {
  it('reports every acquire, as mysql2’s own pool does (≥ 3.20): tracers wait for it', async () => {
    await using fixture = await openPool();
    const { pool, database } = fixture;
    const starts: unknown[] = [];
    const subscriber = { start: (context: unknown) => void starts.push(context) };
    const channel = tracingChannel('mysql2:pool:connect');
    channel.subscribe(subscriber as never);
    try {
      (await borrowByCallback(pool)).release();
      (await pool.getConnection()).release();
      await pool.query('SELECT 1');
    } finally {
      channel.unsubscribe(subscriber as never);
    }
    expect(starts).toHaveLength(3);
    expect(starts[0]).toMatchObject({ database: database.database, serverPort: database.port });
  });
});
