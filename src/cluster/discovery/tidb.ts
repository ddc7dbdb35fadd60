/** TiDB: from information_schema.cluster_info. */

import type { Peer } from '../contract/index.js';
import { type Interview, type Row, cellText } from './interview.js';
import type { ReplicationReading } from './replication-reading.js';
import type { ServerFacts } from './server-facts.js';

/** The servers that speak SQL (TiDB 8.1 documentation, "CLUSTER_INFO"). INSTANCE is `host:port`. */
const SERVERS = "SELECT INSTANCE AS instance FROM information_schema.cluster_info WHERE TYPE = 'tidb'";

/**
 * Looks at a TiDB server. Each server of a TiDB cluster takes writes and sees all that were committed, so it is a writer unless it was made
 * read-only, and never lags.
 */
export async function readTidb(interview: Interview, { role, serverId }: ServerFacts): Promise<ReplicationReading> {
  const rows = await interview.ask('the other servers are not known', 'PROCESS ON *.*', SERVERS);
  const peers = (rows ?? []).flatMap((row) => peerOf(row, serverId));
  return { role, lagMs: 0, replicating: true, everyServerWrites: true, executed: undefined, peers };
}

/** An IPv6 address stands in brackets. */
function peerOf(row: Row, ownId: string): readonly Peer[] {
  const found = /^\[?([^[\]]+)\]?:(\d+)$/u.exec(cellText(row['instance']));
  if (found === null) return [];
  const [, host = '', port = ''] = found;
  const serverId = `${host}:${port}`;
  return [{ host, port: Number(port), serverId: serverId === ownId ? ownId : undefined, role: undefined, online: true }];
}
