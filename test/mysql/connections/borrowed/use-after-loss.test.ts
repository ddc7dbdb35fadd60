import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { borrowByCallback, errorOf, openPool } from '../../../support/pool-on-database.js';

describe('I7: a borrowed connection that the server has closed, after its "error" event', () => {
  const CLOSED = { message: "Can't add new command when connection is in closed state", code: 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR' };

  it('refuses every statement with mysql2’s words', async () => {
    await using fixture = await openPool();
    const { pool, database } = fixture;
    const connection = await borrowByCallback(pool);
    const lost = once(connection, 'error');
    await database.killConnections([connection.threadId]);
    await lost;
    for (const method of ['query', 'execute'] as const) {
      expect(await new Promise((resolve) => connection[method]('SELECT 1', resolve))).toMatchObject(CLOSED);
    }
    expect(await errorOf(connection.query('SELECT 1').stream().toArray())).toMatchObject(CLOSED);
    expect(await new Promise((resolve) => connection.ping(resolve))).toMatchObject(CLOSED);
    connection.release();
  });

  it('refuses them as lost, on the promise form', async () => {
    await using fixture = await openPool();
    const { pool, database } = fixture;
    const connection = await pool.getConnection();
    const lost = once(connection, 'error');
    await database.killConnections([connection.threadId]);
    await lost;
    expect(await errorOf(connection.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECTION_LOST', cause: CLOSED });
    expect(await errorOf(connection.execute('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECTION_LOST', cause: CLOSED });
    connection.release();
  });
});
