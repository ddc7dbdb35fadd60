import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ConnectionPool } from '../rivals/lender.js';
import { openPoolwright } from '../rivals/poolwright.js';
import { seededRandom } from '../runner/shuffle.js';
import type { Contestant, CreateContestant, Scenario } from '../scenario.js';
import { ACCOUNTS, SMALL_COLUMNS } from '../data.js';
import { warmedConnections } from './set-up.js';
import { costOf, inParallel, turnsOf } from './timing.js';

const SIZE = 20;
const CALLERS = 40;
/** Some seconds, so that several scrapes and messages fall into a round. */
const OPERATIONS = 30_000;
const SQL = `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`;

/** A process of its own: what a browser and a Prometheus do with the answers is theirs to pay. Reads the live feed, and scrapes each second. */
const WATCHER = `
  const url = process.argv[1];
  const live = await fetch(url + '/api/trpc/monitoring.live');
  void (async () => { for await (const _ of live.body) {} })();
  process.send('watching');
  setInterval(async () => { await (await fetch(url + '/metrics')).text(); }, 1000);
`;

export const monitoring: Scenario = {
  name: 'monitoring',
  title: 'What watching costs',
  about:
    'Statements through a pool that nobody watches, and through one with its monitoring server, an open live feed of the dashboard, and a scrape of /metrics each second.',
  heldFixed: [
    `${SIZE} connections to one MariaDB on the same machine, ${CALLERS} callers, small rows by primary key. CPU is that of the process with the pool, with the server's part of the monitoring; whoever watches is another process.`,
  ],
  cases: [{ name: `${CALLERS} callers`, quick: true }],
  metrics: {
    time: { label: 'time per statement', unit: 'ns', compared: true, rate: 'statements' },
    cpu: { label: 'CPU per statement', unit: 'ns', compared: true },
  },
  ours: ['poolwright, watched'],
  limits: [],
  rounds: 9,
  warmUpRounds: 2,
  roundLimitMs: 60_000,
  contestants: { 'poolwright, watched': contestant(true), poolwright: contestant(false) },
};

function contestant(watched: boolean): CreateContestant {
  return async (surroundings): Promise<Contestant> => {
    const pool = await warmedConnections(openPoolwright({ address: surroundings.database, limit: SIZE }), SIZE, surroundings);
    const watch = watched ? await startWatching() : undefined;
    return {
      connections: SIZE,
      async run(_, { number, scale }) {
        const each = turnsOf(OPERATIONS, CALLERS, scale);
        const random = seededRandom(number);
        return { ...(await costOf(each * CALLERS, () => inParallel(CALLERS, each, () => ask(pool, 1 + Math.floor(random() * ACCOUNTS))))) };
      },
      async close() {
        await watch?.();
        await pool.close();
      },
    };
  };
}

async function ask(pool: ConnectionPool, id: number): Promise<void> {
  const rows = pool.rowsOf(await pool.query(SQL, [id]));
  if (rows.length !== 1 || rows[0]?.['id'] !== id) throw new Error(`wrong answer for ${id}`);
}

/** @returns ends it */
async function startWatching(): Promise<() => Promise<void>> {
  const { pools } = await import('poolwright');
  const { startMonitoringServer } = await import('poolwright/server');
  const server = await startMonitoringServer({ pools, port: 0, pgbouncer: false });
  const watcher: ChildProcess = spawn(process.execPath, ['--input-type=module', '--eval', WATCHER, server.url], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(watcher, 'message');
  return async () => {
    watcher.kill();
    await once(watcher, 'exit');
    await server.close();
  };
}
