import { setTimeout as delay } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { startMariaDb } from '../../src/demo/mariadb-server.js';
import type { PrivateServer } from '../../src/demo/private-server.js';
import { createPool, type Pool } from '../../src/index.js';
import { startTcpProxy } from '../support/network/tcp-proxy.js';
import { FAULTS, type Surroundings } from './faults.js';
import { longestTurns, type Sample, sample } from './gauges.js';
import { Load } from './load.js';
import { type Recovery, Report } from './report.js';

const LIMIT = 20;
const SAMPLE_EVERY_MS = 10_000;
const FAULT_EVERY_MS = 4_000;
/** After the end of a fault. */
const LONGEST_RECOVERY_MS = 10_000;

const [, , minutes = '30', callers = '60', record] = process.argv;
const durationMs = Number(minutes) * 60_000;
const startedAt = performance.now();
const elapsedMs = (): number => performance.now() - startedAt;
const isOver = (): boolean => elapsedMs() >= durationMs;

/** Everything is short, so that it happens often: lives, idle times, pings, patience. */
function poolOn(server: PrivateServer, port: number): Pool {
  return createPool({
    host: server.host,
    port,
    user: server.user,
    password: server.password,
    database: server.database,
    connectionLimit: LIMIT,
    minIdle: 2,
    acquireTimeout: 3_000,
    connectTimeout: 1_500,
    validationTimeout: 1_000,
    idleTimeout: 5_000,
    maxLifetime: 20_000,
    keepaliveInterval: 1_000,
    leakDetectionThreshold: 15_000,
  });
}

/** Statements over a connection of their own. Returns the rows of the last one. */
async function asAdmin(server: PrivateServer, ...statements: readonly string[]): Promise<unknown> {
  await using connection = await connectAsAdmin(server);
  let rows: unknown;
  for (const sql of statements) [rows] = await connection.query(sql);
  return rows;
}

/** All connections of the server may be taken for a moment, also the one that it keeps for administrators. */
async function connectAsAdmin({ socketPath, adminUser: user, adminPassword: password, database }: PrivateServer): Promise<Connection> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await createConnection({ socketPath, user, password, database });
    } catch (error) {
      if (attempt === 50) throw error;
      await delay(100);
    }
  }
}

/** I12, at this instant. */
function checkCounters(pool: Pool, load: Load): void {
  const { acquires, acquired, released, timedOut, cancelled, refused, waiting, opened, closed, total, idle, used, checking, closing } =
    pool.stats();
  if (acquires !== acquired + timedOut + cancelled + refused + waiting) load.violation('I12: acquires do not add up');
  if (opened - closed !== total || total !== idle + used + checking + closing) load.violation('I12: connections do not add up');
  if (acquired - released !== used) load.violation('I12: leases do not add up');
  if (total > LIMIT) load.violation(`I4: ${total} connections`);
}

/** The answers of callers against what the server has, as long as it answers. */
async function checkLedger(server: PrivateServer, load: Load): Promise<void> {
  const writes = load.takeWrites();
  const rows = (await asAdmin(server, 'SELECT id FROM ledger')) as { id: number }[];
  const written = new Set(rows.map(({ id }) => id));
  load.checkWrites(writes, written);
  const checked = writes.flatMap(({ ids }) => ids).filter((id) => written.has(id));
  for (let from = 0; from < checked.length; from += 5_000) {
    await asAdmin(server, `DELETE FROM ledger WHERE id IN (${checked.slice(from, from + 5_000).join(',')})`);
  }
}

async function doFaults(surroundings: Surroundings, load: Load, recoveries: Recovery[]): Promise<void> {
  const names = Object.keys(FAULTS);
  for (let count = 0; !isOver(); count += 1) {
    // The writes before are checked while the server answers for sure.
    if (count % 5 === 0) await checkLedger(surroundings.server, load);
    // Each in turn, so that a short run sees them all; then at random.
    const name = names[count < names.length ? count : Math.floor(Math.random() * names.length)] as string;
    await FAULTS[name]?.(surroundings);
    const endedAt = performance.now();
    while (load.lastSuccessAt < endedAt && performance.now() - endedAt < LONGEST_RECOVERY_MS) await delay(2);
    if (load.lastSuccessAt < endedAt) load.violation(`no success within ${LONGEST_RECOVERY_MS} ms after: ${name}`);
    recoveries.push({ fault: name, ms: performance.now() - endedAt });
    await delay(FAULT_EVERY_MS * (0.5 + Math.random()));
  }
}

async function takeSamples(pool: Pool, load: Load, samples: Sample[]): Promise<void> {
  const longestTurn = longestTurns();
  let ended = 0;
  let failed = 0;
  while (!isOver()) {
    for (let second = 0; second < SAMPLE_EVERY_MS / 1_000; second += 1) {
      await delay(1_000);
      checkCounters(pool, load);
      load.checkForHangs();
    }
    const now = sample(elapsedMs() / 1_000);
    samples.push(now);
    const { used, idle, opening, checking, closing, waiting, kills } = pool.stats();
    console.log(
      [
        `${now.seconds} s`,
        `${load.ended - ended} calls, ${load.failed - failed} refused or lost`,
        `used ${used}, idle ${idle}, opening ${opening}, checking ${checking}, closing ${closing}, waiting ${waiting}, kills ${kills}`,
        `heap ${now.heapMiB.toFixed(1)} MiB, rss ${now.rssMiB.toFixed(0)} MiB, handles ${now.handles}, files ${now.files}`,
        `longest turn ${longestTurn().toFixed(0)} ms`,
        `violations ${load.violations.size}`,
      ].join(' · '),
    );
    ({ ended, failed } = load);
  }
}

/** A number that is on its way down to what it should be. */
async function settled(probe: () => number | Promise<number>, wanted: number): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    if ((await probe()) <= wanted) break;
    await delay(100);
  }
  return await probe();
}

/** Ends all of it and looks at what is left. */
async function finish(server: PrivateServer, pool: Pool, load: Load, handlesBefore: number): Promise<void> {
  await load.stop();
  checkCounters(pool, load);
  const { used, waiting } = pool.summary();
  if (used + waiting > 0) load.violation(`${used} connections lent and ${waiting} callers waiting at the end`);
  await checkLedger(server, load);
  const running = (await asAdmin(
    server,
    "SELECT INFO AS info FROM information_schema.processlist WHERE USER = 'poolwright' AND COMMAND <> 'Sleep' AND TIME > 1",
  )) as unknown[];
  if (running.length > 0) load.violation(`${running.length} statements still run`);
  await pool.end();
  if (pool.summary().total > 0) load.violation('connections are left after the end');
  const left = await settled(async () => {
    const rows = (await asAdmin(server, "SELECT ID FROM information_schema.processlist WHERE USER = 'poolwright'")) as unknown[];
    return rows.length;
  }, 0);
  if (left > 0) load.violation(`${left} connections are left on the server`);
  const handles = await settled(() => process.getActiveResourcesInfo().length, handlesBefore);
  if (handles > handlesBefore) {
    const kinds = process.getActiveResourcesInfo().join(', ');
    load.violation(`${handles} handles are left (${kinds}), of ${handlesBefore} at the beginning`);
  }
}

async function soak(): Promise<number> {
  await using server = await startMariaDb({ arguments: ['--max-connections=200'] });
  await using proxy = await startTcpProxy(server);
  const handlesBefore = process.getActiveResourcesInfo().length;
  const pool = poolOn(server, proxy.port);
  const load = new Load(pool);
  process.on('uncaughtException', (error) => load.violation(`uncaught: ${String(error)}`));
  process.on('unhandledRejection', (error) => load.violation(`unhandled: ${String(error)}`));
  const samples: Sample[] = [];
  const recoveries: Recovery[] = [];
  await load.prepare();
  load.start(Number(callers));
  const surroundings: Surroundings = { server, proxy, pool, admin: (...statements) => asAdmin(server, ...statements) };
  await Promise.all([doFaults(surroundings, load, recoveries), takeSamples(pool, load, samples)]);
  await finish(server, pool, load, handlesBefore);
  const report = new Report({ minutes: Number(minutes), callers: Number(callers), load, samples, recoveries, stats: pool.stats() });
  console.log(report.text());
  if (record === 'record') report.write();
  return load.violations.size;
}

try {
  // What holds the process afterwards is a bug, and would show as a hang.
  process.exitCode = (await soak()) === 0 ? 0 : 1;
} catch (error) {
  console.error('The soak itself failed:', error);
  process.exit(1);
}
