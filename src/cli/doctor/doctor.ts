/** The doctor's examination of a database, a Redis and a PgBouncer, one step after the other. */

import type { Socket } from 'node:net';
import { messageOf } from '../../engine/index.js';
import { type Pool, type PoolOptions, type ResolvedOptions, resolveOptions } from '../../mysql/index.js';
import { probePgBouncer, probeRedis } from '../../probes/index.js';
import { CannotContinue, type Diagnosis, type Finding, type Observer, type Recommendation, wholeStatus, STEPS } from './finding.js';
import { type Greeting, readGreeting } from './greeting.js';
import { examineFleetBudget, examineFleetCount, examineFleetLedger } from './fleet.js';
import {
  examineMaxConnections,
  examinePreparedStatements,
  examineReadOnly,
  examineServer,
  examineWaitTimeout,
  type Fleet,
  readVariables,
  type Variables,
} from './limits.js';
import { connectTcp, resolveName } from './network.js';
import { row } from './asking.js';
import { attemptOf, doctorsPool, examinePrivileges, logIn } from './login.js';
import { examineCancellation, examineClock, examineLatency, examineState } from './session.js';
import { examineTls } from './tls.js';
import { examineWay, type Way } from './way.js';

export interface DoctorSettings extends Fleet {
  /** A database URL; default: DATABASE_URL. */
  readonly target?: string;
  /** Options that override the URL. */
  readonly options?: PoolOptions;
  /** For each step that waits for another machine. */
  readonly timeoutMs: number;
  readonly redisUrl?: string | undefined;
  readonly pgbouncerUrl?: string | undefined;
  readonly environment: Readonly<NodeJS.ProcessEnv>;
}

/** Tries everything that a pool needs, step by step. It rejects only for a fault of its own. */
export async function examine(settings: DoctorSettings, observer: Observer): Promise<Diagnosis> {
  const findings: Finding[] = [];
  const report = (finding: Finding): void => {
    findings.push(finding);
    observer.found(finding);
  };
  const recommendations: Recommendation[] = [];
  let stopped = false;
  try {
    recommendations.push(...(await examineDatabase(settings, observer, report)));
  } catch (error) {
    if (!(error instanceof CannotContinue)) throw error;
    stopped = true;
  }
  await examineRedis(settings, observer, report);
  await examinePgBouncer(settings, observer, report);
  const tried = new Set(findings.map(({ step }) => step));
  return {
    status: wholeStatus(findings),
    findings,
    // There is no certificate to look at where TLS is off.
    notTried: stopped ? STEPS.filter((step) => !tried.has(step)) : [],
    recommendations,
  };
}

type Report = (finding: Finding) => void;

async function examineDatabase(settings: DoctorSettings, observer: Observer, report: Report): Promise<Recommendation[]> {
  const { timeoutMs } = settings;
  const options = readOptions(settings, report);
  const { endpoint } = options;
  observer.begins(`resolving ${endpoint.host}`);
  const addresses = await resolveName(endpoint, report);
  observer.begins(`connecting to ${endpoint.socketPath ?? `port ${endpoint.port}`}, at most ${timeoutMs} ms`);
  const socket: Socket = await connectTcp(endpoint, addresses, timeoutMs, report);
  observer.begins("waiting for the server's greeting");
  const greeting = await readGreeting(socket, timeoutMs, attemptOf(options, undefined), report);
  observer.begins('TLS handshake');
  await examineTls(socket, options, greeting, timeoutMs, report);
  const pools: Pool[] = [];
  const open = (more: PoolOptions = {}): Pool => {
    const pool = doctorsPool(settings.target, { ...settings.options, ...more }, timeoutMs);
    pools.push(pool);
    return pool;
  };
  try {
    return await examineSession(open, options, greeting, settings, observer, report);
  } finally {
    for (const pool of pools) await pool.drain({ timeout: timeoutMs, queue: 'refuse' });
  }
}

function readOptions({ target, options, environment }: DoctorSettings, report: Report): ResolvedOptions {
  try {
    const resolved = resolveOptions({ target, options }, 'own', environment);
    const { endpoint, tls, connection } = resolved;
    const where = endpoint.socketPath ?? `${endpoint.host} port ${endpoint.port}`;
    const database = endpoint.database === undefined ? 'no database' : `database ${endpoint.database}`;
    report({ step: 'url', status: 'ok', message: `${where}, ${database}, user ${connection.user ?? '(none)'}, TLS ${tls.mode}` });
    return resolved;
  } catch (error) {
    report({
      step: 'url',
      status: 'fail',
      message: messageOf(error),
      advice: 'docs/options.md describes the URL and the environment variables.',
    });
    throw new CannotContinue();
  }
}

async function examineSession(
  open: (more?: PoolOptions) => Pool,
  options: ResolvedOptions,
  greeting: Greeting,
  settings: DoctorSettings,
  observer: Observer,
  report: Report,
): Promise<Recommendation[]> {
  observer.begins('logging in');
  const pool = open();
  await logIn(pool, () => open({ database: '' }), options, greeting, settings.timeoutMs, report);
  const recommendations: Recommendation[] = [];
  const attempt = async (step: Finding['step'], work: () => Promise<void> | void): Promise<void> => {
    observer.begins(`examining: ${step}`);
    try {
      await work();
    } catch (error) {
      // A proxy or another server may not know a statement: what cannot be asked is not a fault.
      report({ step, status: 'skip', message: `could not be determined: ${messageOf(error)}` });
    }
  };
  let variables: Variables = new Map();
  let way: Way = { answersItself: false, servers: 1 };
  await attempt('privileges', () => examinePrivileges(pool, options, greeting, report));
  await attempt('server', async () => {
    variables = await readVariables(pool);
    const [version] = await row(pool, 'SELECT VERSION()');
    const kind = examineServer(greeting.version, options.endpoint.host, version ?? '', variables, report);
    await attempt('proxy', async () => {
      way = await examineWay(pool, options.endpoint, kind, report);
    });
    examineReadOnly(variables, settings, report);
    recommendations.push(
      ...examineMaxConnections(options, variables, settings, report),
      ...examineWaitTimeout(options, variables, report),
      ...examinePreparedStatements(options, variables, settings, report),
    );
  });
  await attempt('clock', () => examineClock(pool, options, report));
  await attempt('session', () => examineState(pool, report));
  await attempt('cancel', () => examineCancellation(pool, way, report));
  await attempt('latency', () => examineLatency(pool, report));
  examineFleetBudget(options, variables, settings, report);
  if (options.fleet !== undefined) {
    await attempt('fleet-count', () => examineFleetCount(pool, options, report));
    await attempt('fleet-ledger', () => examineFleetLedger(pool, options, settings.timeoutMs, report));
  }
  return recommendations;
}

async function examineRedis({ redisUrl, timeoutMs }: DoctorSettings, observer: Observer, report: Report): Promise<void> {
  if (redisUrl === undefined || redisUrl === '') {
    report({ step: 'redis', status: 'skip', message: 'not configured (REDIS_URL)' });
    return;
  }
  observer.begins('asking Redis');
  try {
    const { available, message, latencyMs } = await probeRedis(redisUrl, timeoutMs);
    if (available) report({ step: 'redis', status: 'ok', message: `${message} in ${latencyMs} ms` });
    else
      report({
        step: 'redis',
        status: 'fail',
        message,
        advice: 'The cache works without Redis, but only in memory. Start Redis, or correct REDIS_URL.',
      });
  } catch (error) {
    report({ step: 'redis', status: 'fail', message: messageOf(error), advice: 'Correct REDIS_URL.' });
  }
}

async function examinePgBouncer({ pgbouncerUrl, timeoutMs }: DoctorSettings, observer: Observer, report: Report): Promise<void> {
  if (pgbouncerUrl === undefined || pgbouncerUrl === '') {
    report({ step: 'pgbouncer', status: 'skip', message: 'not configured (PGBOUNCER_URL)' });
    return;
  }
  observer.begins('asking PgBouncer');
  try {
    const probed = await probePgBouncer({ url: pgbouncerUrl, timeout: timeoutMs });
    if (probed.available) report({ step: 'pgbouncer', status: 'ok', message: probed.message });
    else
      report({
        step: 'pgbouncer',
        status: 'fail',
        message: probed.message,
        advice: 'Correct PGBOUNCER_URL, or check whether PgBouncer runs and allows this user on its console (stats_users).',
      });
  } catch (error) {
    report({ step: 'pgbouncer', status: 'fail', message: messageOf(error), advice: 'Correct PGBOUNCER_URL.' });
  }
}
