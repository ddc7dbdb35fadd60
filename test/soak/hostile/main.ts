/** The soak with hostile guests: phases in which they misuse the pool alternate with phases in which they behave. */
import { setTimeout as delay } from 'node:timers/promises';
import type { PoolConnection } from 'mysql2';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { startMariaDb } from '../../../src/demo/mariadb-server.js';
import type { PrivateServer } from '../../../src/demo/private-server.js';
import { createPool, type Pool } from '../../../src/index.js';
import { sample } from '../gauges.js';
import { Crowd, type Manners } from './crowd.js';
import { HostileReport, type HostileSample } from './report.js';

const LIMIT = 20;
const PHASE_MS = 15_000;
const GOOD_CALLERS = 12;
const GUESTS = 12;

const [, , minutes = '30', record] = process.argv;
const durationMs = Number(minutes) * 60_000;

/** TypeScript takes an async function for one that returns nothing; users do write such loggers and listeners. */
const rejects: () => unknown = () => Promise.reject(new Error('logger of a guest'));

async function setUpInTwoSteps(connection: PoolConnection): Promise<void> {
  await connection.promise().query("SET SESSION time_zone = '+00:00'");
  await connection.promise().query("SET SESSION lc_time_names = 'de_DE'");
}

/** Listeners with more than one step and a logger that rejects are among the misuses. */
function poolOn(server: PrivateServer): Pool {
  const pool = createPool(server.url(), {
    connectionLimit: LIMIT,
    minIdle: 2,
    acquireTimeout: 10_000,
    ssl: false,
    logger: { debug: rejects, info: rejects, warn: rejects, error: rejects },
  });
  const listener: (connection: PoolConnection) => unknown = setUpInTwoSteps;
  pool.pool.on('connection', listener);
  return pool;
}

async function status(server: PrivateServer, name: string): Promise<number> {
  const { socketPath, adminUser: user, adminPassword: password, database } = server;
  await using connection = await createConnection({ socketPath, user, password, database });
  const [[row]] = await connection.query<(RowDataPacket & { Value: string })[]>('SHOW GLOBAL STATUS LIKE ?', [name]);
  return Number(row?.Value);
}

async function prepare(server: PrivateServer): Promise<void> {
  const { socketPath, adminUser: user, adminPassword: password, database } = server;
  await using connection = await createConnection({ socketPath, user, password, database, multipleStatements: true });
  await connection.query('CREATE TABLE guests (value VARCHAR(50)) ENGINE = BLACKHOLE').catch(async () => {
    await connection.query('CREATE TABLE guests (value VARCHAR(50)) ENGINE = MEMORY MAX_ROWS = 1000000');
  });
  await connection.query('CREATE TABLE accounts (id INT PRIMARY KEY, amount BIGINT NOT NULL)');
  await connection.query('INSERT INTO accounts VALUES ?', [Array.from({ length: 100 }, (_, id) => [id, 0])]);
  await connection.query('CREATE PROCEDURE guests_nothing() BEGIN END');
}

async function phases(server: PrivateServer, pool: Pool, crowd: Crowd): Promise<HostileSample[]> {
  const samples: HostileSample[] = [];
  const startedAt = performance.now();
  let manners: Manners = 'polite';
  for (let phase = 0; performance.now() - startedAt < durationMs; phase += 1) {
    crowd.manners = manners;
    // The first phase of each kind warms up.
    crowd.isNoting = phase >= 2;
    const openedBefore = await status(server, 'Connections');
    const phaseStartedAt = performance.now();
    await delay(PHASE_MS);
    const experience = crowd.experiences[manners];
    const threads = await status(server, 'Threads_connected');
    if (crowd.isNoting) {
      experience.opened += (await status(server, 'Connections')) - openedBefore - 3;
      experience.seconds += (performance.now() - phaseStartedAt) / 1_000;
    }
    const now = { ...sample((performance.now() - startedAt) / 1_000), threads, manners };
    samples.push(now);
    checkCounters(pool, crowd);
    console.log(
      `${now.seconds} s · ${manners} · heap ${now.heapMiB.toFixed(1)} MiB, handles ${now.handles}, server threads ${threads} · good calls ${experience.calls}, failures ${[...experience.failures.values()].reduce((sum, one) => sum + one, 0)}, p99 ${experience.percentileMs(99).toFixed(1)} ms · violations ${crowd.violations.size}`,
    );
    manners = manners === 'polite' ? 'hostile' : 'polite';
  }
  return samples;
}

/** I12 and I4, at this instant. */
function checkCounters(pool: Pool, crowd: Crowd): void {
  const { acquires, acquired, released, timedOut, cancelled, refused, waiting, opened, closed, total, used } = pool.stats();
  if (acquires !== acquired + timedOut + cancelled + refused + waiting) crowd.violation('I12: acquires do not add up');
  if (opened - closed !== total || acquired - released !== used) crowd.violation('I12: connections do not add up');
  if (total > LIMIT) crowd.violation(`I4: ${total} connections`);
  if (pool.breakers?.statement.state === 'open') crowd.violation('the statement breaker is open');
}

async function soak(): Promise<number> {
  await using server = await startMariaDb({ arguments: ['--local-infile=1', '--max-connections=200'] });
  await prepare(server);
  const pool = poolOn(server);
  const crowd = new Crowd(pool);
  process.on('uncaughtException', (error) => crowd.violation(`uncaught: ${String(error)}`));
  process.on('unhandledRejection', (error) => crowd.violation(`unhandled: ${String(error)}`));
  crowd.start({ good: GOOD_CALLERS, guests: GUESTS });
  const samples = await phases(server, pool, crowd);
  await crowd.stop();
  const { used, waiting } = pool.summary();
  if (used + waiting > 0) crowd.violation(`${used} connections lent and ${waiting} callers waiting at the end`);
  const stats = pool.stats();
  await pool.end();
  const report = new HostileReport({ minutes: Number(minutes), good: GOOD_CALLERS, guests: GUESTS, crowd, samples, stats });
  console.log(report.text());
  if (record === 'record') report.write();
  return crowd.violations.size;
}

try {
  // What holds the process afterwards is a bug, and would show as a hang.
  process.exitCode = (await soak()) === 0 ? 0 : 1;
} catch (error) {
  console.error('The soak itself failed:', error);
  process.exit(1);
}
