/** What `npm start` and the demo command run: the monitoring server, with a sample workload or on a given database. */
import { pause } from '../engine/waiting/index.js';
import { createQueryCache } from '../cache/index.js';
import { createPool, type Pool, pools } from '../index.js';
import {
  createMonitoringServer,
  listen,
  type MonitoringServer,
  type MonitoringServerOptions,
  startMonitoringServer,
} from '../monitor/server/index.js';
import { FailOver } from './fail-over/fail-over.js';
import { OPERATOR } from './fail-over/replicated-pair.js';
import { startMariaDb } from './mariadb-server.js';
import type { PrivateServer } from './private-server.js';
import { Reports } from './reports.js';
import { addTroubleRoutes } from './trouble-routes.js';
import { Troubles } from './troubles.js';
import { type SecondReport, Workload } from './workload.js';

/** The whole stop takes less than 5 s. Borrowers get what the servers leave of it. */
const DRAIN_TIMEOUT_MS = 2_000;

/** Soon enough that one sees it happen. */
const LEAK_AFTER_MS = 5_000;

/** Where the monitoring server listens, and how large the pool is. */
export interface ServeSettings {
  readonly host: string;
  readonly port: number;
  /** Default: 20, or what DATABASE_URL says. */
  readonly connections: number | undefined;
  /** Monitoring addresses of other processes, separated by commas. */
  readonly peers: string | undefined;
}

export interface DemoSettings extends ServeSettings {
  /** Operations of the sample workload per second. */
  readonly rate: number;
  /** Whether troubles are staged, one after the other. */
  readonly trouble: boolean;
}

/** Where the demo writes its sentences and its JSON. */
export interface Audience {
  readonly json: boolean;
  say(text: string): void;
  sayJson(value: unknown): void;
}

/** Runs on a private MariaDB, over verified TLS, with a sample workload, until `stop` aborts. */
export async function runDemo(settings: DemoSettings, audience: Audience, stop: AbortSignal): Promise<void> {
  await using cleanup = new Cleanup();
  let troubles: Troubles | undefined;
  const app = createMonitoringServer({ ...monitoringOptions(settings), pools: shownPools });
  addTroubleRoutes(app, () => troubles);
  // Comes first: a wrong address or token fails before a database is started.
  const monitoring = await listen(app, settings);
  cleanup.add(() => monitoring.close());
  const say = sayer(audience);
  say('Starting a private MariaDB …');
  const database: PrivateServer = await startMariaDb();
  cleanup.add(() => database.stop());
  const { connections = 20, rate } = settings;
  const pool = createPool(database.url(), {
    name: 'demo',
    ssl: { ca: database.caCertificate },
    connectionLimit: connections,
    minIdle: connections,
    leakDetectionThreshold: LEAK_AFTER_MS,
  });
  cleanup.add(() => pool.end());
  await pool.ready();
  const ssl = { ca: database.caCertificate };
  const cached = createPool(database.url(), { name: 'reports', ssl, connectionLimit: 4, cache: createQueryCache() });
  cleanup.add(() => cached.end());
  const reports = new Reports(cached);
  await reports.seed();
  const workload = new Workload(pool, rate);
  await workload.seed();
  const version = await firstValue(pool, 'SELECT VERSION()');
  const cipher = await firstValue(pool, "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_version'");
  say(`${pool.summary().total} connections to ${version} on port ${database.port}, ${cipher}, certificate and host name verified.`);
  announce(monitoring, audience);
  say(`Sample workload: ${rate} operations a second (60 % point reads, 15 % range reads, 20 % updates, 5 % transactions). Ctrl-C stops.`);
  workload.start();
  reports.start();
  const failOver = new FailOver(say, stop);
  cleanup.add(() => failOver.close());
  troubles = new Troubles(pool, database, failOver, say, stop);
  say(
    settings.trouble ? 'A trouble is staged every 20 s.' : 'The buttons on the page stage troubles; --trouble stages all of them in turn.',
  );
  if (settings.trouble) void troubles.stageAll();
  await eachSecond(stop, () => sayReport(workload.report(), pool, audience));
  say('Stopping …');
  reports.stop();
  await troubles.ended;
  await workload.stop();
  await drain(pool, say);
}

/** Runs on the database that DATABASE_URL names, without a workload, until `stop` aborts. */
export async function runMonitor(settings: ServeSettings, audience: Audience, stop: AbortSignal): Promise<void> {
  await using cleanup = new Cleanup();
  const monitoring = await startMonitoring(settings, cleanup);
  const say = sayer(audience);
  const { connections } = settings;
  const pool = createPool(connections === undefined ? {} : { connectionLimit: connections });
  cleanup.add(() => pool.end());
  const version = await firstValue(pool, 'SELECT VERSION()');
  say(`Connected to ${version} as pool '${pool.name}' (TLS: ${pool.options.tls}).`);
  announce(monitoring, audience);
  await eachSecond(stop, () => undefined);
  say('Stopping …');
  await drain(pool, say);
}

/** Comes first: a wrong address or token fails before a database is started. */
async function startMonitoring(settings: ServeSettings, cleanup: Cleanup): Promise<MonitoringServer> {
  const monitoring = await startMonitoringServer(monitoringOptions(settings));
  cleanup.add(() => monitoring.close());
  return monitoring;
}

function monitoringOptions({ host, port, peers }: ServeSettings): MonitoringServerOptions {
  return { host, port, pools, ...(peers === undefined ? {} : { peers: peers.split(',').map((peer) => peer.trim()) }) };
}

/** The operator of the cluster works beside the application. */
function shownPools(): ReturnType<typeof pools> {
  return new Map([...pools()].filter(([name]) => !name.startsWith(OPERATOR)));
}

type Say = (text: string) => void;

/** With JSON, no sentences are written: they are for people. */
function sayer(audience: Audience): Say {
  return audience.json ? () => undefined : (text) => audience.say(text);
}

async function drain(pool: Pool, say: Say): Promise<void> {
  const { complete, cutOff } = await pool.drain({ timeout: DRAIN_TIMEOUT_MS });
  say(complete ? 'The pool is drained.' : `The pool was closed with ${cutOff.length} connections still in use.`);
}

function announce({ url }: MonitoringServer, audience: Audience): void {
  if (audience.json) audience.sayJson({ monitoring: url });
  const say = sayer(audience);
  say(`Monitoring: ${url}`);
  for (const path of ['/api/trpc/monitoring.connectionPoolHealth', '/metrics', '/readyz']) say(`  curl ${url}${path}`);
}

/** The single value in the result of a query. */
async function firstValue(pool: Pool, sql: string): Promise<string> {
  const [rows] = await pool.query({ sql, rowsAsArray: true });
  return String((rows as unknown as unknown[][])[0]?.[0]);
}

async function eachSecond(stop: AbortSignal, work: () => void): Promise<void> {
  while (!stop.aborted) {
    await pause(1000, { signals: [stop] });
    if (!stop.aborted) work();
  }
}

function sayReport(report: SecondReport, pool: Pool, audience: Audience): void {
  if (!audience.json) return audience.say(lineOf(report, pool));
  const { lastError, ...counts } = report;
  const { used, idle, waiting } = pool.summary();
  audience.sayJson({
    at: new Date().toISOString(),
    ...counts,
    used,
    idle,
    waiting,
    lastError: lastError === undefined ? null : describe(lastError),
  });
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

/** One line, without a stack and without a secret. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error.message : `${code}: ${error.message}`;
}
