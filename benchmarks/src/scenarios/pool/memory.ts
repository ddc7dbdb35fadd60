import type { ConnectionPool, OpenPool } from '../../rivals/lender.js';
import { expectConnections } from '../../runner/expect-connections.js';
import type { Contestant, CreateContestant, Scenario, Surroundings } from '../../scenario.js';
import { inParallel, liveBytes } from '../timing.js';

const CONNECTIONS = 200;

export const memory: Scenario = {
  name: 'memory',
  title: 'Memory of an idle connection',
  about: `What each of ${CONNECTIONS} idle connections of one pool costs in memory, including the pool's own data.`,
  heldFixed: [
    'The growth of the heap and of the buffers outside it, after a garbage collection, for each connection after the first one, which has answered one query. Each connection has answered queries before. A new process for each round and contestant.',
    '`connections, no pool` are bare mysql2 connections. The difference from them is the cost of the pool. mariadb has its own driver.',
    '`waiter-memory` shows the cost of a waiter, and `many-pools` the cost of a whole pool.',
  ],
  cases: [{ name: '200 idle connections', quick: true }],
  metrics: { bytes: { label: 'memory per connection', unit: 'bytes', compared: true } },
  ours: ['poolwright'],
  limits: ['connections, no pool'],
  rounds: 3,
  warmUpRounds: 0,
  freshProcess: true,
  contestants: {
    poolwright: contestant(async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant(async () => (await import('../../rivals/mysql2.js')).openMysql2),
    mariadb: contestant(async () => (await import('../../rivals/mariadb.js')).openMariadb),
    'tarn + mysql2': contestant(async () => (await import('../../rivals/over-mysql2.js')).openTarnOverMysql2),
    knex: contestant(async () => (await import('../../rivals/knex.js')).openKnex),
    'connections, no pool': async (surroundings) => {
      const { openConnections } = await import('../../rivals/mysql2.js');
      return holding((size) => openConnections({ address: surroundings.database, limit: size }), surroundings);
    },
  },
};

function contestant(load: () => Promise<OpenPool>): CreateContestant {
  return async (surroundings) => {
    const open = await load();
    return holding(async (size) => open({ address: surroundings.database, limit: size }), surroundings);
  };
}

function holding(open: (size: number) => Promise<ConnectionPool>, surroundings: Surroundings): Contestant {
  const opened = async (size: number): Promise<{ pool: ConnectionPool; bytes: number }> => {
    const pool = await open(size);
    // All at once and one after the other, so that each connection has been used no matter in which order the pool lends them.
    const all = await Promise.all(Array.from({ length: size }, () => pool.acquire()));
    for (const connection of all) pool.rowsOf(await pool.queryOn(connection, 'SELECT id FROM accounts WHERE id = ?', [1]));
    for (const connection of all) await pool.release(connection);
    await inParallel(size, 2, async () => await pool.query('SELECT id FROM accounts WHERE id = ?', [1]));
    await expectConnections(surroundings.id, surroundings.ask, size);
    return { pool, bytes: liveBytes() };
  };
  return {
    async run() {
      const one = await opened(1);
      await one.pool.close();
      await expectConnections(surroundings.id, surroundings.ask, 0);
      const many = await opened(CONNECTIONS);
      await many.pool.close();
      return { bytes: (many.bytes - one.bytes) / (CONNECTIONS - 1) };
    },
    close: async () => undefined,
  };
}
