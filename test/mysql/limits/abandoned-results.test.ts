import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { PoolConnection } from 'mysql2';
import { describe, expect, it } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';
import { errorOf, imbalanceOf, poolOf, valueOf } from '../../support/pool-on-database.js';
import { createDatabase } from '../../support/servers/database.js';
import { sequence } from '../../support/sql-servers/sequence.js';
import { waitFor } from '../../support/wait-for.js';

/** More rows than a test could read. */
const ENDLESS = `SELECT a.seq FROM ${sequence(10_000, 'a')}, ${sequence(10_000, 'b')}, ${sequence(10_000, 'c')}`;

describe('a result that its caller has left', () => {
  it.each(['on the pool', 'on a borrowed connection that is given back'] as const)(
    'is not read until the server has acknowledged the kill: %s',
    async (door) => {
      await using database = await createDatabase();
      const { user, password, ...place } = database.connection;
      let letIn = (): void => undefined;
      const gate = new Promise<void>((resolve) => (letIn = resolve));
      let logins = 0;
      // The second login is that of the connection that kills.
      const credentials = async (): Promise<{ user: string; password: string }> => {
        logins += 1;
        if (logins > 1) await gate;
        return { user, password };
      };
      const pool = createPool({ ...place, minIdle: 0, connectionLimit: 1, validationTimeout: 600_000, credentials });
      try {
        const sockets: Socket[] = [];
        pool.pool.on('connection', (connection) => void sockets.push((connection as unknown as { stream: Socket }).stream));
        const borrowed = await pool.getConnection();
        if (door === 'on the pool') borrowed.release();
        const stream = (
          door === 'on the pool' ? pool.pool.query(ENDLESS) : (borrowed.connection as unknown as PoolConnection).query(ENDLESS)
        ).stream();
        await once(stream, 'data');
        stream.destroy();
        await once(stream, 'close');
        if (door !== 'on the pool') borrowed.release();
        await waitFor('the connection that kills', () => logins === 2);
        // What had been asked of the socket comes yet.
        await database.processlist();
        const before = sockets[0]?.bytesRead;
        for (let round = 0; round < 20; round += 1) await database.processlist();
        expect(sockets[0]?.bytesRead).toBe(before);
        letIn();
        expect(await valueOf(pool, '1')).toBe(1);
        expect(pool.stats()).toMatchObject({ opened: 1, closed: 0, kills: 1 });
        expect(imbalanceOf(pool.stats())).toEqual([]);
      } finally {
        await pool.end();
      }
    },
  );

  it('because its statement was aborted is killed once', async () => {
    await using database = await createDatabase();
    const pool = poolOf(database, { connectionLimit: 1, validationTimeout: 600_000 });
    try {
      const abort = new AbortController();
      const options = { sql: ENDLESS, signal: abort.signal };
      const stream = pool.pool.query(options as { sql: string }).stream();
      await once(stream, 'data');
      abort.abort();
      expect(await errorOf(once(stream, 'end'))).toMatchObject({ code: 'POOL_ABORTED' });
      expect(await valueOf(pool, '1')).toBe(1);
      expect(pool.stats()).toMatchObject({ opened: 1, kills: 1 });
      // None, where its connection came back before.
      expect(pool.stats().queryErrors).toBeLessThanOrEqual(1);
    } finally {
      await pool.end();
    }
  });
});
