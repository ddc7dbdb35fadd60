import { ACCOUNTS, SMALL_COLUMNS } from '../../data.js';
import type { OpenPool } from '../../rivals/lender.js';
import { seededRandom } from '../../runner/shuffle.js';
import type { Case, Contestant, CreateContestant, Scenario, Surroundings } from '../../scenario.js';
import { warmedConnections } from '../set-up.js';
import { costOf, elapsedMsOf, inParallel, quantile, turnsOf } from '../timing.js';

const CALLERS = 200;

interface Size extends Case {
  readonly connections: number;
  /** How long the server waits in each statement, for a disk or a lock, say. */
  readonly waitMs: number;
}

const SIZES = [1, 2, 5, 10, 20, 50];
const QUICK = [2, 20];

export const sizing: Scenario<Size> = {
  name: 'sizing',
  title: 'How many connections',
  about: `${CALLERS} callers over 1 to 50 connections: statements that the server answers at once, and statements in which it waits 5 ms (SLEEP), as for a disk or a lock.`,
  heldFixed: [
    'Each round has a new pool. All of its connections are open and used before the clock starts. The rest is as in `query`, small row.',
  ],
  cases: [0, 5].flatMap((waitMs) =>
    SIZES.map((connections) => ({
      name: `${waitMs === 0 ? 'at once' : `waits ${waitMs} ms`}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
      connections,
      waitMs,
      ...(QUICK.includes(connections) && waitMs === 0 ? { quick: true as const } : {}),
    })),
  ),
  metrics: {
    time: { label: 'time per statement', unit: 'ns', compared: true, rate: 'statements' },
    median: { label: 'median answer', unit: 'ms' },
    p99: { label: '99 % of answers within', unit: 'ms' },
  },
  ours: ['poolwright'],
  limits: [],
  rounds: 3,
  warmUpRounds: 1,
  contestants: {
    poolwright: contestant(async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant(async () => (await import('../../rivals/mysql2.js')).openMysql2),
  },
};

function contestant(load: () => Promise<OpenPool>): CreateContestant<Size> {
  return async (surroundings) => sized(await load(), surroundings);
}

function sized(open: OpenPool, surroundings: Surroundings): Contestant<Size> {
  return {
    async run({ connections, waitMs }, { number, scale }) {
      const pool = open({ address: surroundings.database, limit: connections });
      await warmedConnections(pool, connections, surroundings);
      const random = seededRandom(number);
      const sql =
        waitMs === 0
          ? `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`
          : `SELECT ${SMALL_COLUMNS}, SLEEP(0.005) FROM accounts WHERE id = ?`;
      const answers: number[] = [];
      const ask = async (): Promise<void> => {
        const id = 1 + Math.floor(random() * ACCOUNTS);
        answers.push(
          await elapsedMsOf(async () => {
            const rows = pool.rowsOf(await pool.query(sql, [id]));
            if (rows[0]?.['id'] !== id) throw new Error(`wrong answer for ${id}`);
          }),
        );
      };
      await inParallel(connections, 5, ask);
      answers.length = 0;
      // About as long for each size; at least a turn for every caller.
      const operations = waitMs === 0 ? 4_000 : Math.min((connections * 500) / waitMs, 4_000);
      const each = turnsOf(operations, CALLERS, scale);
      const { time } = await costOf(each * CALLERS, () => inParallel(CALLERS, each, ask));
      await pool.close();
      return { time, median: quantile(answers, 0.5), p99: quantile(answers, 0.99) };
    },
    close: async () => undefined,
  };
}
