/** Reads of a replica whose source names no transactions: they stay at the writer for a while after each write. */
import type { RowDataPacket } from 'mysql2/promise';
import { expect, it } from 'vitest';
import type { Cluster } from '../../../src/cluster/index.js';
import { openCluster } from '../../support/replication/cluster-on-replication.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { startReplication } from '../../support/replication/replication.js';
import { chosenKind } from '../../support/sql-servers/kinds.js';
import { waitFor } from '../../support/wait-for.js';

const COUNT = 'SELECT COUNT(*) AS count, @@server_id AS server FROM notes';

interface CountRow extends RowDataPacket {
  readonly count: number;
  readonly server: number;
}

async function read(from: Pick<Cluster, 'query'>, options: object = {}): Promise<CountRow> {
  const [[row]] = await from.query<CountRow[]>({ sql: COUNT, ...options });
  return row as CountRow;
}

/** From transactions with names to those without, as the manual of MySQL has it: one step at a time, on both servers. */
async function leaveGtids(source: ReplicatedNode, replica: ReplicatedNode): Promise<void> {
  const setMode = async (mode: string): Promise<void> => {
    for (const node of [source, replica]) await node.admin(`SET GLOBAL gtid_mode = ${mode}`);
  };
  await setMode('ON_PERMISSIVE');
  const [log] = await source.admin('SHOW BINARY LOG STATUS');
  await replica.admin(
    'STOP REPLICA',
    `CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = 0, SOURCE_LOG_FILE = '${String(log?.['File'])}', SOURCE_LOG_POS = ${String(log?.['Position'])}`,
    'START REPLICA',
  );
  await setMode('OFF_PERMISSIVE');
  await setMode('OFF');
}

it('without GTIDs, a read sees what this process has written before it, and returns to the replica when that has had the time', async ({
  skip,
}) => {
  skip(chosenKind() !== 'mysql', 'MariaDB has GTIDs wherever it has a binary log, without which there is no replica.');
  await using servers = await startReplication({ kind: 'mysql', replicas: 1, proxied: false });
  const [source, replica] = servers.nodes as [ReplicatedNode, ReplicatedNode];
  await leaveGtids(source, replica);
  await using db = await openCluster(servers, { reads: { maxLag: 500 }, monitor: { interval: 100, timeout: 2_000 } });
  await db.query('CREATE TABLE notes (id INT PRIMARY KEY AUTO_INCREMENT, value INT) ENGINE=InnoDB');
  const onReplica = (): Promise<CountRow | undefined> => read(db.reader, { consistency: 'eventual' }).catch(() => undefined);
  await waitFor('the table to be at the replica', onReplica, (row) => row?.server === replica.serverId);

  // It replicates, and is behind.
  await servers.delay(replica, 3_600);
  await waitFor('the replica to be fit', () => db.topology().nodes.every(({ state }) => state === 'up'));
  let written = 0;
  // On a busy machine the replica is in doubt at times, and a read goes to the writer for that reason.
  while ((db.readStats().reads['writer:position'] ?? 0) < 5) {
    written += 1;
    await db.query('INSERT INTO notes (value) VALUES (?)', [written]);
    expect(await read(db.reader)).toEqual({ count: written, server: source.serverId });
  }
  await servers.delay(replica, 0);
  // No matter which server answers meanwhile, nothing is missing.
  const returned = await waitFor(
    'reads to return to the replica',
    () => read(db.reader),
    ({ count, server }) => {
      expect(count).toBe(written);
      return server === replica.serverId;
    },
  );
  expect(returned.count).toBe(written);
});
