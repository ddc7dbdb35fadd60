/** Examines one node of a cluster: what answers, what it may be asked, whether it follows, and whether it knows positions. */

import type { NodeConnection, NodeReading } from '../../cluster/contract/index.js';
import { readNode } from '../../cluster/discovery/index.js';
import { messageOf, PoolError } from '../../engine/index.js';
import { within } from '../../engine/waiting/index.js';
import { type LoneConnection, openLone, type ResolvedOptions } from '../../mysql/index.js';
import { adviceOn, attemptOf, kindOf, type Refusal } from '../doctor/index.js';
import type { ClusterFinding, ClusterStep, ExaminedNode, Report } from './steps.js';

/** A balancer that takes its servers in turn shows the second of two at once. */
const CONNECTIONS = 3;

/** Where reads wait for replicas by default: `reads.maxLag`. */
const USUAL_MAX_LAG_MS = 1_000;

/** @returns undefined: it is no node that a cluster could use, which was reported */
export async function examineNode(
  name: string,
  options: ResolvedOptions,
  timeoutMs: number,
  report: Report,
): Promise<ExaminedNode | undefined> {
  const add = (step: ClusterStep, finding: Omit<ClusterFinding, 'step' | 'node'>): void => report({ step, node: name, ...finding });
  const readings: NodeReading[] = [];
  try {
    for (let count = 0; count < CONNECTIONS; count += 1) {
      const connection = await openLone(options);
      try {
        const asked = boundedBy(timeoutMs, connection);
        if (count === 0 && !(await isServer(asked, options, add))) return undefined;
        const reading = await readNode(asked, 'auto');
        readings.push(reading);
        if (count === 0) await examineReading(asked, reading, add);
      } finally {
        connection.terminate();
      }
    }
  } catch (error) {
    add('node', refusal(error, options));
    return undefined;
  }
  const servers = new Set(readings.map(({ serverId }) => serverId));
  const [reading] = readings;
  if (reading === undefined) return undefined;
  if (servers.size > 1) {
    add('address', {
      status: 'fail',
      message: `${CONNECTIONS} connections came to ${servers.size} servers`,
      advice:
        'A proxy, a load balancer, or a name with several addresses is in between. Name the servers themselves: the cluster watches each of them.',
    });
    return undefined;
  }
  const { host, port } = options.endpoint;
  return { name, address: { host, port }, reading };
}

type Add = (step: ClusterStep, finding: Omit<ClusterFinding, 'step' | 'node'>) => void;

function boundedBy(timeoutMs: number, connection: LoneConnection): NodeConnection {
  const late = (): Error => new Error(`no answer within ${timeoutMs} ms`);
  return { version: connection.version, rows: (sql) => within(connection.rows(sql), timeoutMs, late) };
}

function refusal(error: unknown, options: ResolvedOptions): Omit<ClusterFinding, 'step' | 'node'> {
  const cause = (PoolError.is(error) && error.cause !== undefined ? error.cause : error) as Refusal;
  const { errno, code } = cause;
  const message = messageOf(cause);
  const known = adviceOn({ errno, code, message }, attemptOf(options, undefined));
  return { status: 'fail', message, advice: known ?? 'Run the doctor with this URL alone: it checks each step.' };
}

/** Whether a server answers, and not a proxy. */
async function isServer(connection: NodeConnection, { endpoint }: ResolvedOptions, add: Add): Promise<boolean> {
  const [row] = await connection.rows('SELECT VERSION() AS version, @@version_comment AS comment');
  const version = String(row?.['version']);
  const { kind, isProxy } = kindOf({
    greeting: connection.version,
    host: endpoint.host,
    version,
    versionComment: String(row?.['comment']),
  });
  if (!isProxy) {
    add('node', { status: 'ok', message: `${kind} ${version}` });
    return true;
  }
  add('node', {
    status: 'fail',
    message: `${kind} stands in between`,
    advice:
      'It chooses servers itself, so the cluster does not know which one answers. Name the servers behind it, or use createPool with it.',
  });
  return false;
}

async function examineReading(connection: NodeConnection, reading: NodeReading, add: Add): Promise<void> {
  const { role, replicating, lagMs, commitsInOrder, complaints } = reading;
  const missing = complaints.map((sentence) => sentence.split(/: (?=GRANT )/u)).filter((parts) => parts.length === 2);
  const others = complaints.filter((sentence) => !/: GRANT /u.test(sentence));
  for (const [without = '', grant = ''] of missing) {
    add('grants', { status: 'warn', message: without, advice: `As an administrator: ${grant.replace(/\.$/u, ';')}` });
  }
  if (missing.length === 0) add('grants', { status: 'ok', message: 'the account may read what discovery asks' });
  add('role', { status: 'ok', message: role === 'writer' ? 'it takes writes' : 'it is read-only' });
  for (const sentence of others) add('replication', { status: 'warn', message: sentence.replace(/\.$/u, '') });
  if (role === 'reader') {
    if (replicating) add('replication', lagFinding(lagMs));
    else if (missing.length > 0) add('replication', { status: 'warn', message: 'it is not known whether it replicates' });
    else add('replication', await whyNotReplicating(connection));
  }
  if (role === 'reader') {
    add(
      'commit-order',
      commitsInOrder
        ? { status: 'ok', message: "transactions become visible in their source's order" }
        : {
            status: 'warn',
            message:
              'transactions become visible in a different order than on their source: it serves no session read that must see a write',
            advice: 'STOP REPLICA SQL_THREAD; SET PERSIST replica_preserve_commit_order = ON; START REPLICA SQL_THREAD;',
          },
    );
  }
  add('position', await examinePosition(connection, reading));
}

function lagFinding(lagMs: number | undefined): Omit<ClusterFinding, 'step' | 'node'> {
  if (lagMs === undefined) {
    return {
      status: 'warn',
      message: 'it replicates, and does not report how far it is behind',
      advice: 'It serves no bounded reads until it reports its lag.',
    };
  }
  const message = `it replicates, ${Math.round(lagMs)} ms behind`;
  if (lagMs <= USUAL_MAX_LAG_MS) return { status: 'ok', message };
  return { status: 'warn', message, advice: `With reads.maxLag at its default of ${USUAL_MAX_LAG_MS} ms, it serves no bounded reads now.` };
}

/** The columns of a status in which a replica says what stopped it. */
const ERRORS = ['Last_IO_Error', 'Last_SQL_Error'];

async function whyNotReplicating(connection: NodeConnection): Promise<Omit<ClusterFinding, 'step' | 'node'>> {
  const isMariaDb = /mariadb/iu.test(connection.version);
  const rows = await connection.rows(isMariaDb ? 'SHOW ALL SLAVES STATUS' : 'SHOW REPLICA STATUS').catch(() => []);
  const errors = rows.flatMap((row) => ERRORS.map((name) => row[name])).filter((text) => typeof text === 'string' && text !== '');
  const why = rows.length === 0 ? 'it follows no source' : errors.length > 0 ? errors.join('; ') : 'it was stopped';
  const start = isMariaDb ? 'START SLAVE' : 'START REPLICA';
  return {
    status: 'fail',
    message: `it does not replicate: ${why}`,
    advice:
      rows.length === 0
        ? 'It serves only eventual reads. Make it follow the writer, or remove it from the nodes.'
        : `It serves only eventual reads. Fix what stopped it, and then run: ${start};`,
  };
}

/** Whether a write has a name here, which replicas can be asked to wait for. */
async function examinePosition(connection: NodeConnection, { kind, version }: NodeReading): Promise<Omit<ClusterFinding, 'step' | 'node'>> {
  if (kind === 'aurora' || kind === 'tidb') {
    return { status: 'skip', message: 'its servers share their storage: session reads depend on the lag of the replicas' };
  }
  const isMariaDb = /mariadb/iu.test(version);
  const [row] = await connection.rows(isMariaDb ? "SELECT IF(@@GLOBAL.log_bin, 'ON', 'OFF') AS mode" : 'SELECT @@GLOBAL.gtid_mode AS mode');
  const mode = String(row?.['mode']);
  const without = 'session reads that must see a write stay on the writer until the replicas have almost caught up';
  if (!mode.startsWith('ON')) {
    return isMariaDb
      ? { status: 'warn', message: `it writes no binary log, so writes have no GTIDs: ${without}`, advice: 'Start it with log_bin.' }
      : {
          status: 'warn',
          message: `gtid_mode is ${mode}: ${without}`,
          advice:
            'On all servers, step by step: enforce_gtid_consistency = ON, then gtid_mode = OFF_PERMISSIVE, ON_PERMISSIVE, ON (SET PERSIST).',
        };
  }
  const tries = isMariaDb
    ? ["SET SESSION session_track_system_variables = 'last_gtid'", "SELECT MASTER_GTID_WAIT('', 1)"]
    : ['SET SESSION session_track_gtids = OWN_GTID', "SELECT WAIT_FOR_EXECUTED_GTID_SET('', 1)"];
  for (const sql of tries) {
    try {
      await connection.rows(sql);
    } catch (error) {
      return { status: 'warn', message: `${sql} is refused: ${messageOf(error)}; ${without}` };
    }
  }
  return { status: 'ok', message: 'GTIDs identify writes, and replicas can wait for them' };
}
