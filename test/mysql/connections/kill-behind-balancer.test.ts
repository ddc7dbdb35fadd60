/** Kills behind a load balancer with two servers: a refused one is tried once more, and none ever hits another connection's statement. */
import { createConnection } from 'mysql2/promise';
import { expect, it } from 'vitest';
import { startHaProxy } from '../../support/sql-servers/haproxy.js';
import { startServer } from '../../support/sql-servers/this-server.js';
import { createDatabase, type DatabaseServer, type TestDatabase } from '../../support/servers/database.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { errorOf, poolOf } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';

const SLEEP = 'SELECT SLEEP(60)';
const CALLERS = 8;
const ROUNDS = 3;
const BYSTANDER = 'SELECT SLEEP(59)';

/** The same account and database on another server. */
async function alsoOn(server: DatabaseServer, { user, password, database }: TestDatabase): Promise<void> {
  const { host, port, adminUser, adminPassword } = server;
  await using admin = await createConnection({ host, port, user: adminUser, password: adminPassword });
  await admin.query(`CREATE DATABASE ${database}`);
  await admin.query(`CREATE USER '${user}'@'%' IDENTIFIED BY '${password}'`);
  await admin.query(`GRANT ALL ON ${database}.* TO '${user}'@'%'`);
}

/** All connections are open and idle. */
function isAtRest(pool: Pool): boolean {
  const { idle, opening, closing } = pool.summary();
  return idle === CALLERS && opening + closing === 0;
}

it('a kill that the first server refuses reaches the other one over a new connection, and bystanders on both live on', async ({
  annotate,
}) => {
  await using first = await startServer();
  await using second = await startServer();
  await using database = await createDatabase(first);
  await alsoOn(second, database);
  await using proxy = await startHaProxy([first, second]);
  await using pool = poolOf(database, { port: proxy.port, connectionLimit: CALLERS, minIdle: CALLERS, breakers: false });
  await pool.ready();

  // On each server, and with numbers that the pool's connections may have on the other one.
  const direct = await Promise.all(
    [first, second].flatMap(({ port }) => Array.from({ length: 8 }, () => createConnection({ ...database.connection, port }))),
  );
  const bystanders = direct.map((connection) => connection.query(BYSTANDER));
  const spared = Promise.all(bystanders.map((bystander) => bystander.catch((error: unknown) => error)));
  for (let round = 1; round <= ROUNDS; round += 1) {
    const failures = Array.from({ length: CALLERS }, () => errorOf(pool.query({ sql: SLEEP, timeout: 300 })));
    for (const failure of failures) expect(await failure).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    await waitFor('kills to be acknowledged, or connections to be cut off', () => isAtRest(pool));
    // Those that were cut off came again where the killer is. New ones are spread over both servers.
    pool.evict();
    await waitFor('new connections', () => isAtRest(pool));
  }
  const { kills, closedByReason } = pool.stats();
  const cutOff = Object.entries(closedByReason).reduce((sum, [reason, count]) => (reason === 'evicted' ? sum : sum + count), 0);
  await annotate(`${kills} of ${ROUNDS * CALLERS} kills hit, ${cutOff} connections were cut off`);
  // HAProxy takes its servers in turn, so that half of the connections are on the server that is asked first: one try would hit those.
  expect(kills).toBeGreaterThan((ROUNDS * CALLERS) / 2);
  expect(kills + cutOff).toBe(ROUNDS * CALLERS);
  for (const port of [first.port, second.port]) {
    await using watcher = await createConnection({ ...database.connection, port });
    const [rows] = await watcher.query('SELECT COUNT(*) AS count FROM information_schema.PROCESSLIST WHERE INFO = ?', [BYSTANDER]);
    expect(rows).toMatchObject([{ count: 8 }]);
  }
  for (const connection of direct) connection.destroy();
  await spared;
});
