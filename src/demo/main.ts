import { setTimeout as delay } from 'node:timers/promises';
import { createPool, type Pool, PoolError, pools } from '../index.js';
import { type MonitoringServer, startMonitoringServer } from '../monitor/server.js';
import { type DemoOptions, parseCommandLine, USAGE, UsageError } from './command-line.js';
import { type MariaDb, startMariaDb } from './mariadb-server.js';
import { type SecondReport, Workload } from './workload.js';

/** The whole stop takes less than 5 s: what borrowers have is the rest after the servers had their share. */
const DRAIN_TIMEOUT_MS = 2_000;

const EXIT_FAILED = 1;
const EXIT_WRONG_CALL = 2;

/** What `npm start` runs: a pool on a database, what it says of itself over tRPC, and, on a database of its own, a sample workload. */
async function main(): Promise<void> {
  const options = parseCommandLine(process.argv.slice(2), process.env);
  if (options.help) {
    process.stdout.write(USAGE);
    return;
  }
  const stop = stopSignal();
  await using cleanup = new Cleanup();
  // First: whatever is wrong with its address or token is told before a database is started.
  const monitoring = await startMonitoringServer({ host: options.host, port: options.port, pools });
  cleanup.add(() => monitoring.close());
  const url = process.env['DATABASE_URL'];
  if (url === undefined || url === '') await runDemo(options, monitoring, stop, cleanup);
  else await runMonitor(options, monitoring, stop, cleanup);
}

/** On a private MariaDB, over verified TLS, with a sample workload. */
async function runDemo(options: DemoOptions, monitoring: MonitoringServer, stop: AbortSignal, cleanup: Cleanup): Promise<void> {
  say('Starting a private MariaDB …');
  const database: MariaDb = await startMariaDb();
  cleanup.add(() => database.stop());
  const { connections = 20 } = options;
  const pool = createPool(database.url(), {
    name: 'demo',
    ssl: { ca: database.caCertificate },
    connectionLimit: connections,
    minIdle: connections,
  });
  cleanup.add(() => pool.end());
  await pool.ready();
  const workload = new Workload(pool, options.rate);
  await workload.seed();
  const version = await firstValue(pool, 'SELECT VERSION()');
  const cipher = await firstValue(pool, "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_version'");
  say(`${pool.summary().total} connections to ${version} on port ${database.port}, ${cipher}, certificate and host name verified.`);
  announce(monitoring);
  say(
    `Sample workload: ${options.rate} operations a second (60 % point reads, 15 % range reads, 20 % updates, 5 % transactions). Ctrl-C stops.`,
  );
  workload.start();
  await eachSecond(stop, () => say(lineOf(workload.report(), pool)));
  say('Stopping …');
  await workload.stop();
  await drain(pool);
}

/** On the database that DATABASE_URL names: no workload of ours. */
async function runMonitor({ connections }: DemoOptions, monitoring: MonitoringServer, stop: AbortSignal, cleanup: Cleanup): Promise<void> {
  const pool = createPool(connections === undefined ? {} : { connectionLimit: connections });
  cleanup.add(() => pool.end());
  const version = await firstValue(pool, 'SELECT VERSION()');
  say(`Connected to ${version} as pool '${pool.name}' (TLS: ${pool.options.tls}).`);
  announce(monitoring);
  await eachSecond(stop, () => undefined);
  say('Stopping …');
  await drain(pool);
}

async function drain(pool: Pool): Promise<void> {
  const { complete, cutOff } = await pool.drain({ timeout: DRAIN_TIMEOUT_MS });
  say(complete ? 'The pool is drained.' : `The pool was closed with ${cutOff.length} connections still in use.`);
}

function announce({ url }: MonitoringServer): void {
  say(`Monitoring: ${url}`);
  for (const path of ['/api/trpc/monitoring.connectionPoolHealth', '/metrics', '/readyz']) say(`  curl ${url}${path}`);
}

/** The single value that a query answers. */
async function firstValue(pool: Pool, sql: string): Promise<string> {
  const [rows] = await pool.query({ sql, rowsAsArray: true });
  return String((rows as unknown as unknown[][])[0]?.[0]);
}

async function eachSecond(stop: AbortSignal, work: () => void): Promise<void> {
  while (!stop.aborted) {
    await delay(1000, undefined, { signal: stop }).catch(() => undefined);
    if (!stop.aborted) work();
  }
}

function lineOf({ operations, p50Ms, p99Ms, failed, skipped, lastError }: SecondReport, pool: Pool): string {
  const { used, idle, waiting } = pool.summary();
  const time = new Date().toTimeString().slice(0, 8);
  const trouble =
    failed + skipped === 0 ? '' : `  failed ${failed}${skipped === 0 ? '' : `  skipped ${skipped}`}  last: ${describe(lastError)}`;
  return `${time}  ${operations}/s  p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms  active ${used}  idle ${idle}  waiting ${waiting}${trouble}`;
}

/** What must be undone at the end, the last first; Node 20 has no AsyncDisposableStack. */
class Cleanup implements AsyncDisposable {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.unshift(step);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const step of this.#steps) await step();
  }
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_FAILED);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One line, without a stack and without a secret. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error.message : `${code}: ${error.message}`;
}

try {
  await main();
} catch (error) {
  const wrongCall = error instanceof UsageError || (PoolError.is(error) && error.code === 'POOL_OPTION_INVALID');
  process.stderr.write(`poolwright: ${describe(error)}\n${error instanceof UsageError ? `\n${USAGE}` : ''}`);
  process.exitCode = wrongCall ? EXIT_WRONG_CALL : EXIT_FAILED;
}
