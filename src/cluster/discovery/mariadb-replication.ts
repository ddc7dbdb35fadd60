/** MariaDB's replication: from SHOW ALL SLAVES STATUS and SHOW SLAVE HOSTS. */

import type { Peer } from '../contract/index.js';
import { type Interview, numberOf, type Row, cellText } from './interview.js';
import type { ReplicationReading } from './replication-reading.js';
import { largestLag } from './replica-lag.js';
import type { ServerFacts } from './server-facts.js';

/** Looks at a server that may be a source, a replica, both, or neither. */
export async function readMariaDb(interview: Interview, facts: ServerFacts): Promise<ReplicationReading> {
  const { role } = facts;
  const executed = await readExecuted(interview);
  const status = await interview.ask('it is not known whether its replication runs', 'SLAVE MONITOR ON *.*', 'SHOW ALL SLAVES STATUS');
  const replicas = await interview.ask('its replicas are not known', 'REPLICATION MASTER ADMIN ON *.*', 'SHOW SLAVE HOSTS');
  const peers = [...facts.self, ...(status ?? []).map(sourceOf), ...replicasOf(interview, replicas ?? [])];
  if (role === 'writer') return { role, lagMs: 0, replicating: true, executed, peers };
  if (status === undefined) return { role, lagMs: undefined, replicating: undefined, executed, peers };
  const running = status.filter(runs);
  const replicating = running.length > 0 && running.length === status.length;
  const lags = running.map((row) => ({ lagMs: lagOf(row) }));
  return { role, lagMs: replicating ? largestLag(lags) : undefined, replicating, executed, peers };
}

/** undefined: it has executed nothing that has a GTID. */
async function readExecuted({ connection }: Interview): Promise<string | undefined> {
  const [row] = await connection.rows('SELECT @@GLOBAL.gtid_current_pos AS executed');
  return cellText(row?.['executed']) || undefined;
}

function runs(status: Row): boolean {
  return status['Slave_IO_Running'] === 'Yes' && status['Slave_SQL_Running'] === 'Yes';
}

/**
 * MariaDB counts whole seconds, rounded down, so one is added: 0 only for a replica that has applied all that it has received, as its GTIDs
 * say, or that counts none without GTIDs.
 */
function lagOf(status: Row): number | undefined {
  const seconds = numberOf(status['Seconds_Behind_Master']);
  if (seconds === undefined) return undefined;
  const received = cellText(status['Gtid_IO_Pos']);
  if (received === '') return seconds * 1_000;
  return received === cellText(status['Gtid_Slave_Pos']) ? 0 : (seconds + 1) * 1_000;
}

/** Others are known by their server_id only, which servers elsewhere may have, too. */
function sourceOf(status: Row): Peer {
  return {
    host: cellText(status['Master_Host']),
    port: numberOf(status['Master_Port']) ?? 0,
    serverId: undefined,
    role: undefined,
    online: status['Slave_IO_Running'] === 'Yes',
  };
}

function replicasOf(interview: Interview, rows: readonly Row[]): readonly Peer[] {
  return rows.flatMap((row) => {
    const host = cellText(row['Host']);
    if (host === '') {
      interview.complain(`the address of the replica with server_id ${cellText(row['Server_id'])} is not known: set report_host there.`);
      return [];
    }
    return [{ host, port: numberOf(row['Port']) ?? 0, serverId: undefined, role: undefined, online: true }];
  });
}
