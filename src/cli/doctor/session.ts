/** Steps on a session: clock, what sessions have, the kill of a statement, and latency. */

import { performance } from '../../engine/waiting/index.js';
import { Histogram, messageOf, PoolError } from '../../engine/index.js';
import type { Pool, PoolConnection, ResolvedOptions } from '../../mysql/index.js';
import { shown } from '../console/index.js';
import type { Finding } from './finding.js';
import { row, valuesOf } from './asking.js';
import type { Way } from './way.js';

type Report = (finding: Finding) => void;

/** The difference that is still normal between two clocks that are set over the network. */
const CLOCK_TOLERANCE_MS = 2_000;

export async function examineClock(pool: Pool, options: ResolvedOptions, report: Report): Promise<void> {
  const before = Date.now();
  const [seconds, offset] = await row(pool, 'SELECT UNIX_TIMESTAMP(NOW(6)), TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW())');
  const after = Date.now();
  const aheadMs = Number(seconds) * 1000 - (before + after) / 2;
  const uncertainMs = (after - before) / 2;
  const zone = zoneTrouble(Number(offset), options);
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS + uncertainMs) {
    report({
      step: 'clock',
      status: 'warn',
      message: `the clock of the server is ${shown(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`,
      advice: 'The clock decides when certificates and tokens expire. Synchronize both machines with NTP.',
    });
  } else report({ step: 'clock', status: 'ok', message: 'the clocks agree' });
  if (zone !== undefined) report({ step: 'clock', status: 'warn', ...zone });
}

/** mysql2 writes and reads Dates in the process's zone unless `timezone` says another. */
function zoneTrouble(
  serverMinutes: number,
  { connection }: ResolvedOptions,
): { readonly message: string; readonly advice: string } | undefined {
  const { timezone } = connection;
  if (timezone !== undefined && timezone !== 'local') return undefined;
  const ownMinutes = -new Date().getTimezoneOffset();
  if (ownMinutes === serverMinutes) return undefined;
  return {
    message: `Dates are written in this process's time zone (${zoneName(ownMinutes)}), while NOW() of the session is in the server's (${zoneName(serverMinutes)})`,
    advice: `Set timezone: 'Z' and keep UTC in DATETIME columns, or use the server's zone: timezone: '${zoneName(serverMinutes)}'.`,
  };
}

function zoneName(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((part) => String(part).padStart(2, '0'));
  return `${minutes < 0 ? '-' : '+'}${hours}:${rest}`;
}

const MARK = 42;

/** One thing that sessions of a server have: whether it is there. */
type Trait = readonly [name: string, holds: (connection: PoolConnection) => Promise<boolean>];

async function firstOf(connection: PoolConnection, sql: string): Promise<number> {
  const [[value] = []] = await valuesOf(connection, sql);
  return Number(value);
}

/** What applications and the pool rely on. None of it outlives the session. */
const TRAITS: readonly Trait[] = [
  [
    'LAST_INSERT_ID()',
    async (connection) => {
      await connection.query(`SELECT LAST_INSERT_ID(${MARK})`);
      return (await firstOf(connection, 'SELECT LAST_INSERT_ID()')) === MARK;
    },
  ],
  [
    'user variables',
    async (connection) => {
      await connection.query(`SET @poolwright_doctor = ${MARK}`);
      return (await firstOf(connection, 'SELECT @poolwright_doctor')) === MARK;
    },
  ],
  [
    'prepared statements',
    async (connection) => {
      const [rows] = await connection.execute({ sql: 'SELECT ? + 1', rowsAsArray: true }, [MARK - 1]);
      return Number((rows as unknown as unknown[][])[0]?.[0]) === MARK;
    },
  ],
  [
    'the reset of a session (COM_RESET_CONNECTION)',
    async (connection) => {
      await connection.query(`SET @poolwright_doctor = ${MARK}`);
      await connection.reset();
      return (await valuesOf(connection, 'SELECT @poolwright_doctor'))[0]?.[0] === null;
    },
  ],
];

/** Whether sessions have what a server's have. Whether they keep it while other clients are busy cannot be seen by one client. */
export async function examineState(pool: Pool, report: Report): Promise<void> {
  const missing: string[] = [];
  await using connection = await pool.getConnection();
  for (const [name, holds] of TRAITS) {
    const reason = await holds(connection).then(
      (held) => (held ? undefined : name),
      (error: unknown) => `${name}: ${messageOf(error)}`,
    );
    if (reason !== undefined) missing.push(reason);
  }
  if (missing.length === 0) {
    report({
      step: 'session',
      status: 'ok',
      message: `sessions support everything that was tried: ${TRAITS.map(([name]) => name).join(', ')}`,
    });
    return;
  }
  report({
    step: 'session',
    status: 'warn',
    message: `sessions do not support everything that a server supports: ${missing.join('; ')}`,
    advice:
      'Put statements that need it into one transaction. The result of an INSERT contains the new id (insertId), so you do not need LAST_INSERT_ID().',
  });
}

const STATEMENT_TIMEOUTS_MS = [250, 1_000, 2_000];
const STATEMENT_SECONDS = 5;

/** Whether a statement that takes too long is stopped on the server, as `timeout` and `signal` promise. */
export async function examineCancellation(pool: Pool, way: Way, report: Report): Promise<void> {
  // On a machine that is busy, the first may time out before it is sent: then nothing was tried.
  let [stopped, tookMs] = [false, 0];
  for (const timeoutMs of STATEMENT_TIMEOUTS_MS) {
    if (!stopped && tookMs < STATEMENT_SECONDS * 1000) ({ stopped, tookMs } = await stopOne(pool, timeoutMs));
  }
  if (stopped)
    report({
      step: 'cancel',
      status: 'ok',
      message: `a statement of ${STATEMENT_SECONDS} s was stopped on the server after ${shown(tookMs)}`,
    });
  else {
    report({
      step: 'cancel',
      status: 'warn',
      message: 'a statement that took too long failed in time, but was not stopped on the server',
      advice: `${whyNotStopped(way)} Statements that time out continue to run there. Set a limit on the server (max_execution_time; MariaDB: max_statement_time).`,
    });
  }
}

/** One statement that takes too long, and how long it kept its connection. */
async function stopOne(pool: Pool, timeoutMs: number): Promise<{ readonly stopped: boolean; readonly tookMs: number }> {
  const startedAt = performance.now();
  const error: unknown = await pool
    .query({ sql: `SELECT SLEEP(${STATEMENT_SECONDS})`, timeout: timeoutMs })
    .then(() => undefined)
    .catch((reason: unknown) => reason);
  // The same connection, or its replacement, is free again when the statement has really ended.
  await pool.query('SELECT 1');
  const tookMs = performance.now() - startedAt;
  const timedOut = PoolError.is(error) && error.code === 'POOL_QUERY_TIMEOUT';
  return { stopped: timedOut && pool.stats().kills > 0 && tookMs < STATEMENT_SECONDS * 1000, tookMs };
}

function whyNotStopped({ answersItself, servers }: Way): string {
  if (answersItself) return "The proxy gave this client a connection number that is not the server's, so no KILL can use it.";
  if (servers > 1) return 'The KILL went to another server, twice. There are several servers behind this address.';
  return 'The KILL was refused or came too late. A proxy in between may have its own connection numbers, or the machine or the server is overloaded. Run the doctor again.';
}

const CONNECTS = 10;
const ROUND_TRIPS = 50;

/** Above this, a statement costs more on the way than in the server: the database is in another region. */
const FAR_MS = 20;

/** Connects, pings and queries, one after the other. */
export async function examineLatency(pool: Pool, report: (finding: Finding) => void): Promise<void> {
  for (let round = 0; round < CONNECTS; round += 1) {
    const connection = await pool.getConnection();
    connection.destroy();
  }
  const connect = pool.stats().connect;
  const ping = new Histogram();
  const query = new Histogram();
  await using connection = await pool.getConnection();
  for (let round = 0; round < ROUND_TRIPS; round += 1) {
    ping.record(await timed(() => connection.ping()));
    query.record(await timed(() => connection.query('SELECT 1')));
  }
  const words = Object.entries({ connect, ping: ping.summary(), query: query.summary() }).map(
    ([name, { p50Ms, p90Ms, p99Ms }]) => `${name} p50 ${shown(p50Ms)}, p90 ${shown(p90Ms)}, p99 ${shown(p99Ms)}`,
  );
  const far = query.summary().p50Ms > FAR_MS;
  report({
    step: 'latency',
    status: far ? 'warn' : 'ok',
    message: words.join('; '),
    ...(far ? { advice: 'Each statement takes at least this long. Run the service near the database, and send fewer statements.' } : {}),
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
