import { describe, expect, it } from 'vitest';
import { openPool } from '../../../support/pool-on-database.js';

describe('a listener on a borrowed connection', () => {
  it('that was taken off and added again hears each event once', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const connection = await pool.getConnection();
    let heard = 0;
    const listener = (): void => void (heard += 1);
    for (let round = 0; round < 3; round += 1) {
      connection.on('end', listener);
      connection.off('end', listener);
    }
    connection.on('end', listener);
    const ended = new Promise((resolve) => {
      connection.connection.once('end', resolve);
    });
    await database.killConnections();
    await ended;
    expect(heard).toBe(1);
    connection.release();
  });
});
