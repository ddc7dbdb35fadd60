import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACCOUNTS, SMALL_COLUMNS } from '../data.js';
import type { ConnectionPool } from '../rivals/lender.js';
import { openPoolwright } from '../rivals/poolwright.js';
import { seededRandom } from '../runner/shuffle.js';
import type { Case, Contestant, Figures, Scenario, Surroundings } from '../scenario.js';
import { warmedConnections } from './set-up.js';
import { quantile } from './timing.js';

const SIZE = 20;
const CALLERS = 40;
/** Of each stretch that is compared: some scrapes and messages fall into it. */
const STRETCH_MS = 3_000;
const POOLS = 10;
const SCRAPES = 100;
const SQL = `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`;

/**
 * A process of its own: what a browser and a Prometheus do with the answers is theirs to pay. Reads the live feed, and scrapes each second,
 * the server that it was given last.
 */
const WATCHER = `
  let stop = new AbortController();
  process.on('message', async (url) => {
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    if (url !== '') {
      const live = await fetch(url + '/api/trpc/monitoring.live', { signal });
      void (async () => { for await (const _ of live.body) {} })().catch(() => undefined);
      const scrape = async () => { await (await fetch(url + '/metrics', { signal })).text(); };
      const timer = setInterval(() => scrape().catch(() => undefined), 1000);
      signal.addEventListener('abort', () => clearInterval(timer));
      await scrape();
    }
    process.send('done');
  });
`;

interface Measured extends Case {
  readonly what: 'load' | 'idle' | 'scrape';
}

/** What a stretch has cost. */
interface Stretch {
  readonly statements: number;
  readonly elapsedMs: number;
  readonly cpuMs: number;
}

export const monitoring: Scenario<Measured> = {
  name: 'monitoring',
  title: 'What monitoring costs',
  about:
    'A pool without monitoring, and the same pool with its monitoring server, an open live feed of the dashboard, and a scrape of /metrics each second.',
  heldFixed: [
    `One process and one pool of ${SIZE} connections: monitoring is off and on in turns (off, on, on, off) of ${STRETCH_MS / 1000} s within each round. The process is compared with itself, so differences between two processes do not matter. The monitoring client is another process.`,
    `*Under load*: ${CALLERS} callers, small rows by primary key. The figures are losses in percent: of statements per second, and of CPU per statement of the process with the pool and the monitoring server. A figure below zero is less than the noise.`,
    `*By itself*: the pool has worked before, and is idle. Monitoring then costs only CPU time, as a percentage of one core. A process that keeps one core busy loses the same percentage of its throughput.`,
    `*Scrape*: ${POOLS} pools that have worked; ${SCRAPES} scrapes over HTTP, one after the other.`,
  ],
  cases: [
    { name: 'under load', what: 'load', quick: true },
    { name: 'by itself', what: 'idle', rounds: 5 },
    { name: `scrape of ${POOLS} pools`, what: 'scrape', rounds: 5, quick: true },
  ],
  metrics: {
    throughput: { label: 'throughput lost', unit: 'percent' },
    cpu: { label: 'CPU per statement more', unit: 'percent' },
    core: { label: 'of one core', unit: 'percent' },
    scrape: { label: 'a scrape, median', unit: 'ms' },
    scrape99: { label: 'a scrape, 99 %', unit: 'ms' },
  },
  ours: ['poolwright'],
  limits: [],
  rounds: 12,
  warmUpRounds: 1,
  roundLimitMs: 60_000,
  contestants: { poolwright: contestant },
};

async function contestant(surroundings: Surroundings): Promise<Contestant<Measured>> {
  const pool = await warmedConnections(openPoolwright({ address: surroundings.database, limit: SIZE }), SIZE, surroundings);
  const watcher = spawn(process.execPath, ['--input-type=module', '--eval', WATCHER], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return {
    async run({ what }, { number, scale }): Promise<Figures> {
      const ms = STRETCH_MS * scale;
      if (what === 'scrape') return await scrapes(surroundings, Math.ceil(SCRAPES * scale));
      const [unwatched, watched] = await inTurns(watcher, () => (what === 'load' ? work(pool, ms, number) : rest(ms)));
      if (what === 'idle') return { core: ((watched.cpuMs - unwatched.cpuMs) / watched.elapsedMs) * 100 };
      const rate = ({ statements, elapsedMs }: Stretch): number => statements / elapsedMs;
      const cpu = ({ statements, cpuMs }: Stretch): number => cpuMs / statements;
      return { throughput: (1 - rate(watched) / rate(unwatched)) * 100, cpu: (cpu(watched) / cpu(unwatched) - 1) * 100 };
    },
    async close() {
      watcher.kill();
      await once(watcher, 'exit');
      await pool.close();
    },
  };
}

/** Not watched, watched, watched, not watched: what gets slower or faster meanwhile hits both alike. */
async function inTurns(watcher: ChildProcess, stretch: () => Promise<Stretch>): Promise<readonly [Stretch, Stretch]> {
  const before = await stretch();
  const stop = await startWatching(watcher);
  const watched = sumOf(await stretch(), await stretch());
  await stop();
  return [sumOf(before, await stretch()), watched];
}

function sumOf(a: Stretch, b: Stretch): Stretch {
  return { statements: a.statements + b.statements, elapsedMs: a.elapsedMs + b.elapsedMs, cpuMs: a.cpuMs + b.cpuMs };
}

/** @returns ends it */
async function startWatching(watcher: ChildProcess): Promise<() => Promise<void>> {
  const { pools } = await import('poolwright');
  const { startMonitoringServer } = await import('poolwright/server');
  const server = await startMonitoringServer({ pools, port: 0, pgbouncer: false });
  await tell(watcher, server.url);
  return async () => {
    await tell(watcher, '');
    await server.close();
  };
}

async function tell(watcher: ChildProcess, url: string): Promise<void> {
  const done = once(watcher, 'message');
  watcher.send(url);
  await done;
}

async function costOf(stretch: () => Promise<number>): Promise<Stretch> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const statements = await stretch();
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { statements, elapsedMs, cpuMs: (user + system) / 1_000 };
}

function rest(ms: number): Promise<Stretch> {
  return costOf(async () => {
    await sleep(ms);
    return 0;
  });
}

function work(pool: ConnectionPool, ms: number, seed: number): Promise<Stretch> {
  const random = seededRandom(seed);
  const until = performance.now() + ms;
  let statements = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      await ask(pool, 1 + Math.floor(random() * ACCOUNTS));
      statements += 1;
    }
  };
  return costOf(async () => {
    await Promise.all(Array.from({ length: CALLERS }, caller));
    return statements;
  });
}

async function ask(pool: ConnectionPool, id: number): Promise<void> {
  const rows = pool.rowsOf(await pool.query(SQL, [id]));
  if (rows.length !== 1 || rows[0]?.['id'] !== id) throw new Error(`wrong answer for ${id}`);
}

async function scrapes(surroundings: Surroundings, count: number): Promise<Figures> {
  const { createPool } = await import('poolwright');
  const { startMonitoringServer } = await import('poolwright/server');
  const { host, port, user, password, database } = surroundings.database;
  const pools = Array.from({ length: POOLS }, (_, index) =>
    createPool({ host, port, user, password, database, name: `pool-${index}`, connectionLimit: 2 }),
  );
  const server = await startMonitoringServer({ pools, port: 0, pgbouncer: false });
  try {
    await Promise.all(pools.map(async (pool) => await Promise.all(Array.from({ length: 50 }, () => pool.query(SQL, [1])))));
    const times: number[] = [];
    for (let scrape = 0; scrape < count; scrape += 1) {
      const startedAt = performance.now();
      const text = await (await fetch(`${server.url}/metrics`)).text();
      times.push(performance.now() - startedAt);
      if (!text.includes(`poolwright_connections_limit{pool="pool-${POOLS - 1}"} 2`)) throw new Error('a scrape without the pools');
    }
    return { scrape: quantile(times, 0.5), scrape99: quantile(times, 0.99) };
  } finally {
    await server.close();
    await Promise.all(pools.map((pool) => pool.end()));
  }
}
