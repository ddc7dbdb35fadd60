import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACCOUNTS, SMALL_COLUMNS } from '../data.js';
import type { ConnectionPool, OpenPool } from '../rivals/lender.js';
import { seededRandom } from '../runner/shuffle.js';
import type { Case, Contestant, CreateContestant, Scenario } from '../scenario.js';
import { warmedConnections } from './set-up.js';
import { inParallel } from './timing.js';

const SIZE = 20;
const ROUND_MS = 600;

/** How often the histogram's timer fires. What it records includes this. */
const RESOLUTION_MS = 1;

interface Load extends Case {
  readonly rows: number;
  /** Closed loop: so many callers, each with one statement at a time. */
  readonly callers?: number;
  /** Open loop: this many statements each second, no matter what becomes of them. */
  readonly perSecond?: number;
}

export const loopDelay: Scenario<Load> = {
  name: 'loop-delay',
  title: 'How long other work in the process waits',
  about:
    'How late a timer in the same process fires while the pool works: under the load of 200 callers, and under a fixed load that is the same for all contestants. ' +
    'With 200 callers, a contestant that answers more statements also has more work. At a fixed rate, all contestants do the same work.',
  heldFixed: [
    `${SIZE} connections, ${ROUND_MS} ms a round. The delay is how late a timer fires that is due every ${RESOLUTION_MS} ms (monitorEventLoopDelay), minus that millisecond. Busy: the share of time in which the event loop worked (eventLoopUtilization).`,
    'At a fixed rate, a timer starts the due statements each millisecond. Every started statement must be answered.',
    'Each answer is checked: number of rows, first id.',
  ],
  cases: [
    { name: '200 callers, small row', rows: 1, callers: 200, quick: true },
    { name: '200 callers, 100 rows', rows: 100, callers: 200 },
    { name: '2 000 per second, small row', rows: 1, perSecond: 2_000, quick: true },
    { name: '400 per second, 100 rows', rows: 100, perSecond: 400 },
  ],
  metrics: {
    p99: { label: '99 % of delays below', unit: 'ms', compared: true },
    median: { label: 'median delay', unit: 'ms' },
    busy: { label: 'busy', unit: 'percent', compared: true },
    time: { label: 'time per statement', unit: 'ns', rate: 'statements' },
  },
  ours: ['poolwright'],
  limits: ['connections, no pool'],
  rounds: 5,
  warmUpRounds: 1,
  contestants: {
    poolwright: contestant(async () => (await import('../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant(async () => (await import('../rivals/mysql2.js')).openMysql2),
    mariadb: contestant(async () => (await import('../rivals/mariadb.js')).openMariadb),
    knex: contestant(async () => (await import('../rivals/knex.js')).openKnex),
    'connections, no pool': async ({ database }) => {
      const { openConnections } = await import('../rivals/mysql2.js');
      return loaded(await openConnections({ address: database, limit: SIZE }));
    },
  },
};

function contestant(load: () => Promise<OpenPool>): CreateContestant<Load> {
  return async (surroundings) => {
    const open = await load();
    return loaded(await warmedConnections(open({ address: surroundings.database, limit: SIZE }), SIZE, surroundings));
  };
}

function loaded(pool: ConnectionPool): Contestant<Load> {
  return {
    connections: SIZE,
    async run({ rows: length, callers, perSecond }, { number, scale }) {
      const random = seededRandom(number);
      const sql = `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id BETWEEN ? AND ?`;
      let answered = 0;
      const ask = async (): Promise<void> => {
        const id = 1 + Math.floor(random() * (ACCOUNTS - 100));
        const rows = pool.rowsOf(await pool.query(sql, [id, id + length - 1]));
        if (rows.length !== length || rows[0]?.['id'] !== id) throw new Error(`wrong answer for ${id}`);
        answered += 1;
      };
      await inParallel(SIZE, 5, ask);
      answered = 0;
      const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      const before = performance.eventLoopUtilization();
      const startedAt = performance.now();
      const endsAt = startedAt + Math.max(ROUND_MS * scale, 100);
      delays.enable();
      if (callers !== undefined) await untilThen(callers, endsAt, ask);
      else await atRate(perSecond as number, startedAt, endsAt, ask);
      delays.disable();
      const elapsedMs = performance.now() - startedAt;
      const { utilization } = performance.eventLoopUtilization(before);
      const delayMs = (percentile: number): number => Math.max(delays.percentile(percentile) / 1e6 - RESOLUTION_MS, 0);
      return { p99: delayMs(99), median: delayMs(50), busy: utilization * 100, time: (elapsedMs * 1e6) / answered };
    },
    close: () => pool.close(),
  };
}

async function untilThen(callers: number, endsAt: number, ask: () => Promise<void>): Promise<void> {
  const caller = async (): Promise<void> => {
    while (performance.now() < endsAt) await ask();
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

async function atRate(perSecond: number, startedAt: number, endsAt: number, ask: () => Promise<void>): Promise<void> {
  const asked: Promise<void>[] = [];
  while (performance.now() < endsAt) {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1000);
    while (asked.length < due) asked.push(ask());
    await sleep(1);
  }
  await Promise.all(asked);
}
