/** Aurora MySQL: from information_schema.replica_host_status. */

import type { Peer } from '../contract/index.js';
import { type Interview, numberOf, type Row, cellText } from './interview.js';
import type { ReplicationReading } from './replication-reading.js';
import type { ServerFacts } from './server-facts.js';

/** Rows of instances that are gone stay for a while: AWS's own drivers look back five minutes. */
const GONE_AFTER_SECONDS = 300;

/**
 * One row for each instance (Amazon Aurora User Guide, "Aurora MySQL–specific information_schema tables"); the writer's has a session of this
 * name (MariaDB MaxScale documentation, "Aurora Monitor").
 */
const INSTANCES = `SELECT SERVER_ID AS id, IF(SESSION_ID = 'MASTER_SESSION_ID', 'writer', 'reader') AS role, REPLICA_LAG_IN_MILLISECONDS AS lagMs
  FROM information_schema.replica_host_status WHERE TIME_TO_SEC(TIMEDIFF(NOW(), LAST_UPDATE_TIMESTAMP)) <= ${GONE_AFTER_SECONDS}`;

/** Looks at an instance of an Aurora cluster. All instances share one storage, so a reader replicates as long as the cluster knows it. */
export async function readAurora(interview: Interview, facts: ServerFacts): Promise<ReplicationReading> {
  const { role, serverId } = facts;
  const rows = await interview.ask('the other instances, and how far this one lags, are not known', 'SELECT ON *.*', INSTANCES);
  const port = numberOf(facts.text('port')) ?? 0;
  const peers = (rows ?? []).map((row) => peerOf(row, port));
  if (role === 'writer') return { role, lagMs: 0, replicating: true, executed: undefined, peers };
  if (rows === undefined) return { role, lagMs: undefined, replicating: undefined, executed: undefined, peers };
  const own = rows.find((row) => row['id'] === serverId);
  return { role, lagMs: numberOf(own?.['lagMs']), replicating: own !== undefined, executed: undefined, peers };
}

/** The server knows an instance's name, not its address: see {@link instanceHost}. */
function peerOf(row: Row, port: number): Peer {
  const id = cellText(row['id']);
  return { host: id, port, serverId: id, role: row['role'] === 'writer' ? 'writer' : 'reader', online: true };
}

/** `name.cluster-abc123.region.rds.amazonaws.com`, or an instance's `name.abc123.region.rds.amazonaws.com`. */
const RDS_HOST = /^[^.]+\.(?:cluster-(?:ro-|custom-)?)?([a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com(?:\.cn)?)$/iu;

/**
 * The host name of an instance, made from that of its cluster or of another instance.
 *
 * @returns undefined when that host name is not one of Amazon's own: then only its owner knows how instances are called
 *
 * @example
 * instanceHost('b', 'shop.cluster-abc123.eu-west-1.rds.amazonaws.com') // 'b.abc123.eu-west-1.rds.amazonaws.com'
 */
export function instanceHost(instance: string, knownHost: string): string | undefined {
  const domain = RDS_HOST.exec(knownHost)?.[1];
  return domain === undefined ? undefined : `${instance}.${domain}`;
}
