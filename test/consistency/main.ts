import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import type { CacheStats } from '../../src/cache/index.js';
import { startMariaDb } from '../../src/demo/mariadb-server.js';
import { startMySql } from '../support/sql-servers/mysql-server.js';
import { startRedis } from '../support/servers/redis-server.js';
import { startTcpProxy } from '../support/network/tcp-proxy.js';
import { createConnection } from 'mysql2/promise';
import { makeLimitedAccount, makeRegisters } from './registers.js';
import { type Read, type StaleRead, staleReads, type Write } from './history.js';
import type { Report } from './worker.js';

const WORKERS = 4;
const TABLES = 20;
const LONGEST_FAULT_MS = 1_500;
const LONGEST_PEACE_MS = 12_000;
/** The database is stopped and started again once in so long; the first time soon. */
const RESTART_EVERY_MS = 60_000;
const FIRST_RESTART_MS = 5_000;
/** A check that lasts for so long has met every fault, and times of peace: half of its reads are hits. */
const LONG_CHECK_S = 60;
/** On a busy machine, nothing may be served from the cache for a while. A check without a hit lasts for so much longer at most. */
const MOST_EXTRA_MS = 60_000;
/** A process may be slow to end when the machine is busy. */
const END_TIMEOUT_MS = 30_000;

const [, , seconds = '60', seed = String(Date.now() % 1_000_000), server = 'mariadb', bound = '500'] = process.argv;
const BOUND_MS = Number(bound);
const CHECKED_DATABASE = `consistency_${process.pid}`;

/** Mulberry32 (T. Ettinger, public domain). */
let state = Number(seed);
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}

const STARTS = new Map([
  ['mariadb', startMariaDb],
  ['mysql', startMySql],
]);

/** A server of its own can be started again; another one is used as it is. */
const own = await STARTS.get(server)?.();
const adminUrl = own === undefined ? server : own.url({ user: own.adminUser, password: own.adminPassword });
await using redis = await startRedis();
await using proxy = await startTcpProxy({ port: redis.port });
const admin = await createConnection(adminUrl);
await admin.query(`CREATE DATABASE ${CHECKED_DATABASE}`);
await admin.query(`USE ${CHECKED_DATABASE}`);
const engines = await makeRegisters(admin, TABLES);
const limitedUser = await makeLimitedAccount(admin, CHECKED_DATABASE);
await admin.end();

function urlOf(user?: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${CHECKED_DATABASE}`;
  if (user !== undefined) {
    url.username = user;
    url.password = user;
  }
  return url.href;
}

async function dropAll(): Promise<void> {
  if (own !== undefined) return own.stop();
  const connection = await createConnection(adminUrl);
  await connection.query(`DROP DATABASE ${CHECKED_DATABASE}`);
  await connection.query(`DROP USER '${limitedUser}'@'%'`);
  await connection.end();
}

async function ask(command: (client: Redis) => Promise<unknown>): Promise<void> {
  const client = new Redis({ host: redis.host, port: redis.port });
  client.on('error', () => undefined);
  try {
    await command(client);
  } finally {
    client.disconnect();
  }
}

/** A server that is not this check's own stays as it is. */
async function restartDatabase(): Promise<void> {
  await own?.kill('SIGTERM');
  await own?.restart();
}

/** What happens to Redis, or to the network before it; all processes meet it at the same time. */
const faults: Readonly<Record<string, (lastFor: number) => Promise<void>>> = {
  frozen: async (lastFor) => {
    await redis.kill('SIGSTOP');
    await delay(lastFor);
    await redis.kill('SIGCONT');
  },
  'killed and started again': async (lastFor) => {
    await redis.kill('SIGKILL');
    await delay(lastFor);
    await redis.restart();
  },
  flushed: () => ask((client) => client.flushall()),
  full: async (lastFor) => {
    await ask((client) => client.config('SET', 'maxmemory', '1'));
    await delay(lastFor);
    await ask((client) => client.config('SET', 'maxmemory', '0'));
  },
  'cut off with a reset': async () => {
    proxy.reset();
  },
  'in a black hole': async (lastFor) => {
    proxy.pause();
    await delay(lastFor);
    proxy.resume();
  },
  slow: async (lastFor) => {
    proxy.delay(Math.ceil(random() * 120));
    await delay(lastFor);
    proxy.delay(0);
  },
};

const writes: Write[] = [];
const reads: Read[] = [];
const stats: CacheStats[] = [];
let failures = 0;
let hasHits = false;
const workers: ChildProcess[] = [];
const ready: Promise<unknown>[] = [];

function take(report: Report): void {
  if (report.kind === 'history') {
    for (const write of report.writes) writes.push(write);
    for (const read of report.reads) reads.push(read);
  } else if (report.kind === 'end') {
    stats.push(report.stats);
    failures += report.failures;
  } else if (report.kind === 'stats') {
    hasHits ||= hitsOf(report.stats) > 0;
  }
}

function hitsOf({ hits }: CacheStats): number {
  return hits.memory + hits.redis;
}

const script = fileURLToPath(new URL('./worker.js', import.meta.url));
for (let number = 0; number < WORKERS; number += 1) {
  const child = fork(script, [
    String(number),
    urlOf(),
    `redis://127.0.0.1:${proxy.port}`,
    String(TABLES),
    String(BOUND_MS),
    engines.join(','),
    urlOf(limitedUser),
    String(WORKERS),
  ]);
  child.on('message', (report) => take(report as Report));
  ready.push(once(child, 'message'));
  workers.push(child);
}
const ended = Promise.all(workers.map((child) => once(child, 'exit')));
const happened: Record<string, number> = {};
try {
  await Promise.all(ready);
  const endsAt = performance.now() + Number(seconds) * 1_000;
  let restartAt = performance.now() + FIRST_RESTART_MS;
  const isOver = (): boolean => performance.now() >= endsAt + (hasHits ? 0 : MOST_EXTRA_MS);
  while (!isOver()) {
    for (const child of workers) child.send('stats');
    await delay(random() * Math.min(LONGEST_PEACE_MS, Number(seconds) * 200));
    const names = Object.keys(faults);
    const name = names[Math.floor(random() * names.length)] as string;
    const isDue = own !== undefined && performance.now() >= restartAt;
    if (isDue) {
      // Redis fails while the database is away.
      restartAt += RESTART_EVERY_MS;
      happened['database restarted'] = (happened['database restarted'] ?? 0) + 1;
    }
    await Promise.all([faults[name]?.(random() * LONGEST_FAULT_MS), isDue ? restartDatabase() : undefined]);
    happened[name] = (happened[name] ?? 0) + 1;
  }
  for (const child of workers) child.send('end');
  await Promise.race([
    ended,
    delay(END_TIMEOUT_MS, undefined, { ref: false }).then(() => {
      throw new Error('A process did not end.');
    }),
  ]);
} finally {
  for (const child of workers) child.kill('SIGKILL');
  await dropAll();
}

const stale = staleReads(writes, reads);
const ofOwn = stale.filter((read) => read.own);
const longest = stale.reduce((most, { staleMs }) => Math.max(most, staleMs), 0);
const beyond = [...ofOwn, ...stale.filter((read) => !read.own && read.staleMs > BOUND_MS)];
const sum = (of: (one: CacheStats) => number): number => stats.reduce((total, one) => total + of(one), 0);
const isLong = Number(seconds) >= LONG_CHECK_S;
const hits = sum(hitsOf);
console.log(
  JSON.stringify(
    {
      seed: Number(seed),
      engines,
      boundMs: BOUND_MS,
      writes: writes.length,
      reads: reads.length,
      hits,
      stale: sum((one) => one.stale),
      misses: sum((one) => one.misses),
      coalesced: sum((one) => one.coalesced),
      bypassed: sum((one) => one.bypassed),
      breaks: sum((one) => one.redis?.breaks ?? 0),
      invalidations: sum((one) => one.invalidations),
      discarded: sum((one) => one.discarded),
      notCached: stats.reduce((total, one) => total + Object.values(one.notCached).reduce((most, count) => most + count, 0), 0),
      failures,
      faults: happened,
      staleReads: stale.filter((read) => !read.own).length,
      staleReadsOfOwnWrites: ofOwn.length,
      longestStaleMs: Math.round(longest * 10) / 10,
      beyondBound: beyond.length,
    },
    undefined,
    2,
  ),
);
for (const read of beyond.slice(0, 10)) console.error(`Beyond the bound: ${describe(read)}`);
const wantedHits = isLong ? reads.length / 2 : 1;
const faultsFound = [
  stats.length === WORKERS ? '' : `${WORKERS - stats.length} of ${WORKERS} processes ended without their figures.`,
  failures === 0 ? '' : `${failures} statements failed.`,
  writes.length > 0 ? '' : 'Nothing was written.',
  hits >= wantedHits ? '' : `Hits: ${hits} of ${reads.length} reads. Too little could be stale. A busy machine needs a longer --bound.`,
].filter((fault) => fault !== '');
for (const fault of faultsFound) console.error(fault);
if (faultsFound.length > 0 || beyond.length > 0) process.exitCode = 1;

function describe({ worker, row, version, staleMs, own: isOwn }: StaleRead): string {
  const whose = isOwn ? 'its own write' : "another's write";
  return `process ${worker} read version ${version} of row ${row} ${staleMs.toFixed(1)} ms after ${whose} of a later one was acknowledged`;
}
