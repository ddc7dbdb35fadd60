import { describe, expect, it } from 'vitest';
import { openPool } from '../../../support/pool-on-database.js';

describe('listeners that borrowers add to their connection', () => {
  it('are gone with the release: they neither pile up nor get the events of later borrowers', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', note);
    let heard = 0;
    let counts: number[] = [];
    try {
      for (let round = 0; round < 20; round += 1) {
        const connection = await pool.getConnection();
        connection.on('error', () => (heard += 1));
        counts = [...counts, connection.connection.listenerCount('error')];
        connection.release();
      }
      const lost = new Promise<void>((resolve) => {
        pool.watch('failed', () => resolve());
      });
      await database.killConnections();
      await lost;
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('warning', note);
    }
    expect(counts.at(-1)).toBe(counts[0]);
    expect([heard, warnings]).toEqual([0, []]);
  });
});
