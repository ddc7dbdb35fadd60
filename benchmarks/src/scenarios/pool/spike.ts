import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionPool, OpenPool } from '../../rivals/lender.js';
import { expectConnections } from '../../runner/expect-connections.js';
import type { Case, Contestant, CreateContestant, Scenario, Surroundings } from '../../scenario.js';
import { elapsedMsOf, inParallel, quantile } from '../timing.js';

const WARM = 5;
const LIMIT = 50;
const CALLERS = 50;
const CONNECT_DELAY_MS = 150;

/** Openings that are on their way when the last query is answered are done after this. */
const SETTLE_MS = 2 * CONNECT_DELAY_MS;

const SQL = 'SELECT id, SLEEP(?) AS interrupted FROM accounts WHERE id = ?';

interface Spike extends Case {
  readonly queryMs: number;
  /** How many queries each caller makes, one after the other. */
  readonly turns: number;
}

export const spike: Scenario<Spike> = {
  name: 'spike',
  title: 'A spike on a warm pool',
  about: `${CALLERS} callers arrive at the same moment at a pool with ${WARM} open connections that may grow to ${LIMIT}, where a connection takes ${CONNECT_DELAY_MS} ms to open. Short: one query of 2 ms each; the five connections finish in 20 ms, long before a new connection is open (HikariCP's test, "Welcome to the jungle"). Sustained: ten queries of 20 ms each; here, opening connections pays off.`,
  heldFixed: [
    `A proxy between pool and server delays each connection by ${CONNECT_DELAY_MS} ms. A query waits on the server (SLEEP), which costs no CPU time.`,
    `Before the spike each pool has served 50 such queries on its ${WARM} connections; a new pool for each round. Minimum ${WARM} where a pool has one. poolwright’s minIdle counts idle connections only, so it is measured with 0 and with ${WARM}.`,
    '`mysql2, limit 5` cannot grow. That is right for the short spike and wrong for the sustained one.',
    '`five connections, no pool` shares the queries evenly; `fifty connections, no pool` has them all open from the start. They show the limits of the machine.',
    `The server counts the connections ${SETTLE_MS} ms after the last answer.`,
  ],
  cases: [
    { name: 'short: 50 × 1 query of 2 ms', queryMs: 2, turns: 1, quick: true },
    { name: 'sustained: 50 × 10 queries of 20 ms', queryMs: 20, turns: 10 },
  ],
  metrics: {
    time: { label: 'until the last answer', unit: 'ms', compared: true },
    median: { label: 'median answer to a caller', unit: 'ms' },
    open: { label: 'connections at its end', unit: 'count', compared: true },
  },
  ours: ['poolwright', 'poolwright, minIdle 5'],
  limits: ['five connections, no pool', 'fifty connections, no pool'],
  rounds: 3,
  warmUpRounds: 1,
  connectDelayMs: CONNECT_DELAY_MS,
  contestants: {
    poolwright: contestant(async () => (await import('../../rivals/poolwright.js')).openPoolwright, { minimum: 0 }),
    'poolwright, minIdle 5': contestant(async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant(async () => (await import('../../rivals/mysql2.js')).openMysql2),
    'mysql2, limit 5': contestant(async () => (await import('../../rivals/mysql2.js')).openMysql2, { limit: WARM }),
    mariadb: contestant(async () => (await import('../../rivals/mariadb.js')).openMariadb),
    'tarn + mysql2': contestant(async () => (await import('../../rivals/over-mysql2.js')).openTarnOverMysql2),
    'generic-pool + mysql2': contestant(async () => (await import('../../rivals/over-mysql2.js')).openGenericPoolOverMysql2),
    'sequelize-pool + mysql2': contestant(async () => (await import('../../rivals/over-mysql2.js')).openSequelizePoolOverMysql2),
    knex: contestant(async () => (await import('../../rivals/knex.js')).openKnex),
    'five connections, no pool': noPool(WARM),
    'fifty connections, no pool': noPool(LIMIT),
  },
};

function contestant(
  load: () => Promise<OpenPool>,
  { limit = LIMIT, minimum = WARM }: { readonly limit?: number; readonly minimum?: number } = {},
): CreateContestant<Spike> {
  return async (surroundings) => {
    const open = await load();
    return spiking(async () => open({ address: surroundings.delayed, limit, minimum }), WARM, surroundings);
  };
}

function noPool(size: number): CreateContestant<Spike> {
  return async (surroundings) => {
    const { openConnections } = await import('../../rivals/mysql2.js');
    return spiking(() => openConnections({ address: surroundings.delayed, limit: size }), size, surroundings);
  };
}

function spiking(open: () => Promise<ConnectionPool>, warm: number, { id, ask }: Surroundings): Contestant<Spike> {
  return {
    async run({ queryMs, turns }) {
      const pool = await open();
      const query = async (caller: number): Promise<void> => {
        const rows = pool.rowsOf(await pool.query(SQL, [queryMs / 1000, caller + 1]));
        if (rows[0]?.['id'] !== caller + 1 || rows[0]['interrupted'] !== 0) throw new Error('wrong answer');
      };
      const all = await Promise.all(Array.from({ length: WARM }, () => pool.acquire()));
      for (const connection of all) pool.release(connection);
      await inParallel(WARM, 10, query);
      await expectConnections(id, ask, warm);
      const answers: number[] = [];
      const time = await elapsedMsOf(() =>
        inParallel(CALLERS, turns, async (caller) => answers.push(await elapsedMsOf(() => query(caller)))),
      );
      await sleep(SETTLE_MS);
      const opened = await ask.connections();
      await pool.close();
      return { time, median: quantile(answers, 0.5), open: opened };
    },
    close: async () => undefined,
  };
}
