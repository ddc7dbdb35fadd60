/** MySQL's asynchronous replication: from SHOW REPLICA STATUS, SHOW REPLICAS and performance_schema. */

import type { Peer } from '../contract/index.js';
import { type Interview, numberOf, type Row, cellText } from './interview.js';
import type { ReplicationReading } from './replication-reading.js';
import { largestLag, readChannels } from './replica-lag.js';
import type { ServerFacts } from './server-facts.js';

/** Looks at a server that may be a source, a replica, both, or neither. */
export async function readMySql(interview: Interview, facts: ServerFacts): Promise<ReplicationReading> {
  const { role } = facts;
  const executed = await readExecuted(interview, facts);
  const status = await interview.ask(
    'it is not known whether its replication runs',
    'REPLICATION CLIENT ON *.*',
    'SHOW REPLICA STATUS',
    'SHOW SLAVE STATUS',
  );
  const replicas = await interview.ask('its replicas are not known', 'REPLICATION SLAVE ON *.*', 'SHOW REPLICAS', 'SHOW SLAVE HOSTS');
  const peers = [...facts.self, ...(status ?? []).map(sourceOf), ...replicasOf(interview, replicas ?? [])];
  if (role === 'writer') return { role, lagMs: 0, replicating: true, executed, peers };
  if (status === undefined) return { role, lagMs: undefined, replicating: undefined, executed, peers };
  const running = status.filter(runs);
  const replicating = running.length > 0 && running.length === status.length;
  return { role, lagMs: replicating ? await lagOf(interview, facts, running) : undefined, replicating, executed, peers };
}

/** As text without line breaks; undefined without GTIDs. */
export async function readExecuted({ connection }: Interview, facts: ServerFacts): Promise<string | undefined> {
  if (!facts.hasGtids) return undefined;
  // SHOW would cut it after 1 024 characters.
  const [row] = await connection.rows('SELECT @@GLOBAL.gtid_executed AS executed');
  return cellText(row?.['executed']).replaceAll('\n', '');
}

/** By columns that older versions name after slaves. */
function column(row: Row, name: string): unknown {
  return row[name] ?? row[name.replace('Replica', 'Slave').replace('Source', 'Master')];
}

function runs(status: Row): boolean {
  return column(status, 'Replica_IO_Running') === 'Yes' && column(status, 'Replica_SQL_Running') === 'Yes';
}

function sourceOf(status: Row): Peer {
  return {
    host: cellText(column(status, 'Source_Host')),
    port: numberOf(column(status, 'Source_Port')) ?? 0,
    serverId: cellText(column(status, 'Source_UUID')) || undefined,
    role: undefined,
    online: column(status, 'Replica_IO_Running') === 'Yes',
  };
}

function replicasOf(interview: Interview, rows: readonly Row[]): readonly Peer[] {
  return rows.flatMap((row) => {
    const host = cellText(row['Host']);
    if (host === '') {
      const id = cellText(row['Server_Id'] ?? row['Server_id']);
      interview.complain(`the address of the replica with server_id ${id} is not known: set report_host there.`);
      return [];
    }
    const serverId = cellText(column(row, 'Replica_UUID')) || undefined;
    return [{ host, port: numberOf(row['Port']) ?? 0, serverId, role: undefined, online: true }];
  });
}

/** Without GTIDs, or where performance_schema does not show it, it is known in whole seconds. */
async function lagOf(interview: Interview, facts: ServerFacts, running: readonly Row[]): Promise<number | undefined> {
  if (facts.hasGtids && facts.hasPerformanceSchema) {
    const channels = await readChannels(interview);
    if (channels !== undefined && channels.length > 0) return largestLag(channels);
  }
  return largestLag(running.map((row) => ({ lagMs: secondsBehind(row) })));
}

function secondsBehind(row: Row): number | undefined {
  const seconds = numberOf(column(row, 'Seconds_Behind_Source'));
  return seconds === undefined ? undefined : seconds * 1_000;
}
