import type { ConnectionPool, OpenPool } from '../../rivals/lender.js';
import { seededRandom } from '../../runner/shuffle.js';
import type { Contestant, CreateContestant, Scenario } from '../../scenario.js';
import { warmedConnections } from '../set-up.js';
import { elapsedMsOf, inParallel, quantile } from '../timing.js';

const SIZE = 10;
const CALLERS = 100;
const TURNS = 10;
const SHORTEST_MS = 2;
const LONGEST_MS = 18;
const SQL = 'SELECT id, SLEEP(?) AS interrupted FROM accounts WHERE id = ?';

export const slowDatabase: Scenario = {
  name: 'slow-database',
  title: 'Fairness under a slow database',
  about: `${CALLERS} callers over ${SIZE} connections, each with ${TURNS} statements that take ${SHORTEST_MS} to ${LONGEST_MS} ms on the server: how even are the waits, and does any caller overtake another?`,
  heldFixed: [
    'In each round, all contestants run the same statements with the same durations. A statement waits on the server (SLEEP), which costs no CPU time.',
    'Each caller acquires, runs a statement, releases, and starts again at once. All waits count, including those at the start, when all callers arrive together.',
    'Overtaken: acquires that were granted after an acquire that began later.',
  ],
  cases: [{ name: '100 callers, 10 connections', quick: true }],
  metrics: {
    longest: { label: 'longest wait', unit: 'ms', compared: true },
    time: { label: 'until all is done', unit: 'ms', compared: true },
    median: { label: 'median wait', unit: 'ms' },
    spread: { label: 'waits: from 1 % to 99 %', unit: 'ms' },
    overtaken: { label: 'overtaken', unit: 'percent' },
  },
  ours: ['poolwright'],
  limits: [],
  rounds: 5,
  warmUpRounds: 1,
  contestants: {
    poolwright: contestant(async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant(async () => (await import('../../rivals/mysql2.js')).openMysql2),
    mariadb: contestant(async () => (await import('../../rivals/mariadb.js')).openMariadb),
    'tarn + mysql2': contestant(async () => (await import('../../rivals/over-mysql2.js')).openTarnOverMysql2),
    'generic-pool + mysql2': contestant(async () => (await import('../../rivals/over-mysql2.js')).openGenericPoolOverMysql2),
    'sequelize-pool + mysql2': contestant(async () => (await import('../../rivals/over-mysql2.js')).openSequelizePoolOverMysql2),
    knex: contestant(async () => (await import('../../rivals/knex.js')).openKnex),
  },
};

function contestant(load: () => Promise<OpenPool>): CreateContestant {
  return async (surroundings) => {
    const open = await load();
    return waiting(await warmedConnections(open({ address: surroundings.database, limit: SIZE }), SIZE, surroundings));
  };
}

function waiting(pool: ConnectionPool): Contestant {
  return {
    connections: SIZE,
    async run(_setting, { number, scale }) {
      const random = seededRandom(number);
      const waits: number[] = [];
      let asked = 0;
      let latestGranted = -1;
      let granted = 0;
      let overtaken = 0;
      const use = async (caller: number): Promise<void> => {
        const seconds = (SHORTEST_MS + random() * (LONGEST_MS - SHORTEST_MS)) / 1000;
        const ticket = asked;
        asked += 1;
        const askedAt = performance.now();
        const connection = await pool.acquire();
        granted += 1;
        if (ticket < latestGranted) overtaken += 1;
        latestGranted = Math.max(latestGranted, ticket);
        waits.push(performance.now() - askedAt);
        const rows = pool.rowsOf(await pool.queryOn(connection, SQL, [seconds, caller + 1]));
        await pool.release(connection);
        if (rows[0]?.['id'] !== caller + 1 || rows[0]['interrupted'] !== 0) throw new Error('wrong answer');
      };
      const turns = Math.max(Math.round(TURNS * scale), 3);
      const time = await elapsedMsOf(() => inParallel(CALLERS, turns, use));
      return {
        longest: Math.max(...waits),
        time,
        median: quantile(waits, 0.5),
        spread: quantile(waits, 0.99) - quantile(waits, 0.01),
        overtaken: (overtaken / granted) * 100,
      };
    },
    close: () => pool.close(),
  };
}
