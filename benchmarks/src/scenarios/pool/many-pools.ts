import { setTimeout as sleep } from 'node:timers/promises';
import { ACCOUNTS, accountOf, SMALL_COLUMNS } from '../../data.js';
import type { ConnectionPool, OpenPool } from '../../rivals/lender.js';
import { expectConnections } from '../../runner/expect-connections.js';
import { seededRandom } from '../../runner/shuffle.js';
import type { Contestant, CreateContestant, Scenario, Surroundings } from '../../scenario.js';
import { costOf, elapsedMsOf, inParallel, liveBytes, turnsOf } from '../timing.js';

const POOLS = 100;
const OPERATIONS = 5_000;
const LEAD_IN = 10_000;
const IDLE_MS = 1_500;
const SQL = `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`;

export const manyPools: Scenario = {
  name: 'many-pools',
  title: 'Many pools in one process',
  about: `${POOLS} pools in one process, as with a database for each tenant: the time until each pool has answered once, their memory, their cost while idle, and repeated queries on all pools at the same time.`,
  heldFixed: [
    'Each pool has one connection; the server must count one hundred. A new process for each round and contestant.',
    'Memory is the growth of the heap and of the buffers outside it, after a garbage collection, for each pool with its connection. The first pool does not count, because it loads code.',
    `Idle: CPU time in ${IDLE_MS / 1000} s without a query.`,
    '`connections, no pool`: one hundred mysql2 connections, the minimum for any pool over this driver.',
  ],
  cases: [{ name: '100 pools', quick: true }],
  metrics: {
    time: { label: 'time per query', unit: 'ns', compared: true, rate: 'queries' },
    memory: { label: 'memory per pool', unit: 'bytes', compared: true },
    start: { label: 'all have answered once', unit: 'ms', compared: true },
    idle: { label: 'CPU per second, idle', unit: 'ms' },
  },
  ours: ['poolwright'],
  limits: ['connections, no pool'],
  rounds: 3,
  warmUpRounds: 1,
  freshProcess: true,
  contestants: {
    poolwright: contestant(async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant(async () => (await import('../../rivals/mysql2.js')).openMysql2),
    mariadb: contestant(async () => (await import('../../rivals/mariadb.js')).openMariadb),
    knex: contestant(async () => (await import('../../rivals/knex.js')).openKnex),
    'connections, no pool': async (surroundings) => {
      const { openConnections } = await import('../../rivals/mysql2.js');
      return manyOf(() => openConnections({ address: surroundings.database, limit: 1 }), surroundings);
    },
  },
};

function contestant(load: () => Promise<OpenPool>): CreateContestant {
  return async (surroundings) => {
    const open = await load();
    return manyOf(async () => open({ address: surroundings.database, limit: 1 }), surroundings);
  };
}

function manyOf(open: () => Promise<ConnectionPool>, surroundings: Surroundings): Contestant {
  const query = async (pool: ConnectionPool, id: number): Promise<void> => {
    const rows = pool.rowsOf(await pool.query(SQL, [id]));
    if (rows.length !== 1 || rows[0]?.['name'] !== accountOf(id)['name']) throw new Error(`wrong answer for ${id}`);
  };
  return {
    async run(_setting, { number, scale }) {
      const first = await open();
      await query(first, 1);
      const before = liveBytes();
      const pools: ConnectionPool[] = [];
      const start = await elapsedMsOf(async () => {
        await Promise.all(
          Array.from({ length: POOLS - 1 }, async (_, index) => {
            const pool = await open();
            pools.push(pool);
            await query(pool, index + 1);
          }),
        );
      });
      await expectConnections(surroundings.id, surroundings.ask, POOLS);
      const memory = (liveBytes() - before) / (POOLS - 1);
      const cpuBefore = process.cpuUsage();
      const idleSince = performance.now();
      await sleep(IDLE_MS);
      const { user, system } = process.cpuUsage(cpuBefore);
      const idle = (user + system) / (performance.now() - idleSince);
      pools.push(first);
      const random = seededRandom(number);
      const ask = (caller: number): Promise<void> => query(pools[caller] as ConnectionPool, 1 + Math.floor(random() * ACCOUNTS));
      // Weighing has called the collector, after which code is optimized again.
      await inParallel(POOLS, turnsOf(LEAD_IN, POOLS, scale), ask);
      const each = turnsOf(OPERATIONS, POOLS, scale);
      const { time } = await costOf(each * POOLS, () => inParallel(POOLS, each, ask));
      await expectConnections(surroundings.id, surroundings.ask, POOLS);
      await Promise.all(pools.map((pool) => pool.close()));
      return { time, memory, start, idle };
    },
    close: async () => undefined,
  };
}
