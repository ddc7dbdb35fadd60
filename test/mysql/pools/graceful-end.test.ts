import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';
import { borrowByCallback, poolOf, valueOf } from '../../support/pool-on-database.js';
import { startServer } from '../../support/sql-servers/this-server.js';

describe('end() of a borrowed connection with gracefulEnd', () => {
  it('says goodbye to the server, calls back without an error, and takes the connection out of the pool, as mysql2 does', async () => {
    await using server = await startServer();
    await using database = await createDatabase(server);
    await using pool = poolOf(database, { connectionLimit: 1, gracefulEnd: true });
    await using admin = await database.connectAsAdmin();
    const aborted = async (): Promise<number> => {
      const [rows] = await admin.query("SHOW GLOBAL STATUS LIKE 'Aborted_clients'");
      return Number((rows as { Value: string }[])[0]?.Value);
    };
    const connection = await borrowByCallback(pool);
    const before = await aborted();
    const error = await new Promise((resolve) => {
      connection.end(resolve);
    });
    expect(error).toBeUndefined();
    await waitFor('the connection to be gone', async () => (await database.serverConnections()) === 0);
    expect([await aborted(), pool.summary().used]).toEqual([before, 0]);
    expect(await valueOf(pool, '1')).toBe(1);
  });
});
