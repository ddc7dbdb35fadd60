/** A pool whose account's logins the server delays after failed ones (MySQL's connection_control). The doctor's words for it: test/cli/doctor-login. */
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PrivateServer } from '../../../src/demo/private-server.js';
import { errorOf, imbalanceOf, poolOf, untilServed, valueOf } from '../../support/pool-on-database.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { differs, onlyWhere, startServer } from '../../support/sql-servers/this-server.js';

const LIMIT = 8;
const CALLERS = 50;

let server: PrivateServer | undefined;

beforeAll(async () => {
  if (!differs('delaysLogins')) return;
  server = await startServer({
    arguments: ['--plugin-load-add=connection_control.so', '--connection-control-failed-connections-threshold=2'],
  });
});

afterAll(async () => {
  await server?.stop();
});

beforeEach((context) => onlyWhere(context, 'delaysLogins'));

/** From now on each login of the account waits for so long, until one succeeds. */
async function delayLogins(database: TestDatabase, milliseconds: number): Promise<void> {
  const { connection } = database;
  // Setting it forgets the failures.
  await database.admin(`SET GLOBAL connection_control_min_connection_delay = ${milliseconds}`);
  for (let failures = 0; failures < 2; failures += 1) await errorOf(createConnection({ ...connection, password: 'of yesterday' }));
}

async function delaysSoFar(database: TestDatabase): Promise<number> {
  const [row] = await database.admin("SHOW GLOBAL STATUS LIKE 'Connection_control_delay_generated'");
  return Number(row?.['Value']);
}

describe('a server that delays the logins of an account', () => {
  it('for less than connectTimeout delays the first callers, and fails none', async () => {
    await using database = await createDatabase(server);
    await delayLogins(database, 1_000);
    await using pool = poolOf(database, { connectionLimit: LIMIT, connectTimeout: 60_000 });
    const answers = await Promise.all(Array.from({ length: CALLERS }, (_, index) => valueOf(pool, String(index))));
    expect(answers).toEqual(Array.from({ length: CALLERS }, (_, index) => index));
    expect(pool.stats()).toMatchObject({ connectErrors: 0, timedOut: 0 });
    expect(await delaysSoFar(database)).toBeGreaterThan(0);
  });

  it('I6: for longer costs no more attempts than the limit, and each caller has the reason; the pool serves when it is over', async () => {
    await using database = await createDatabase(server);
    await delayLogins(database, 60_000);
    const before = await delaysSoFar(database);
    await using pool = poolOf(database, { connectionLimit: LIMIT, connectTimeout: 1_500 });
    const errors = await Promise.all(Array.from({ length: CALLERS }, () => errorOf(pool.query('SELECT 1'))));
    for (const error of errors) expect(error).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { code: 'ETIMEDOUT' } });
    expect(pool.stats()).toMatchObject({ opened: 0, refused: CALLERS, breakers: { connect: { state: 'open' } } });
    // Each attempt that is given up leaves a thread of the server's that waits.
    expect((await delaysSoFar(database)) - before).toBeLessThanOrEqual(LIMIT);
    await database.admin('SET GLOBAL connection_control_min_connection_delay = 1000');
    await untilServed(pool);
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });

  it('I6: tries a wrong password no more often than the limit, for any number of callers', async () => {
    await using database = await createDatabase(server);
    await delayLogins(database, 1_000);
    await using pool = poolOf(database, { connectionLimit: LIMIT, connectTimeout: 60_000, password: 'of yesterday' });
    const errors = await Promise.all(Array.from({ length: CALLERS }, () => errorOf(pool.query('SELECT 1'))));
    for (const error of errors) expect(error).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 1045 } });
    expect(pool.stats().connectErrors).toBeLessThanOrEqual(LIMIT);
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });
});
