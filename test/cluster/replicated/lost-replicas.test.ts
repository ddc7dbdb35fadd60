/** Replicas that are lost under reads: killed, and stopped without a word. */
import type { RowDataPacket } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../../src/cluster/index.js';
import { openCluster } from '../../support/replication/cluster-on-replication.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { startReplication } from '../../support/replication/replication.js';
import { chosenKind } from '../../support/sql-servers/kinds.js';
import { waitFor } from '../../support/wait-for.js';

const READ = 'SELECT COUNT(*) AS count, @@server_id AS server FROM notes';
/** A read that takes longer than this fails; one that a lost node holds up for good would. */
const PATIENCE_MS = 20_000;

interface Answer extends RowDataPacket {
  readonly server: number;
}

/** Readers that run until they are stopped. */
class Readers {
  readonly errors: unknown[] = [];
  readonly served = new Map<number, number>();
  #stopped = false;
  readonly #running: readonly Promise<void>[];

  constructor(db: Cluster, count: number) {
    this.#running = Array.from({ length: count }, () => this.#read(db));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** Resolves when so many more reads were served. */
  async more(reads: number): Promise<void> {
    const total = (): number => [...this.served.values()].reduce((sum, count) => sum + count, 0);
    const goal = total() + reads;
    await waitFor('reads', total, (count) => count >= goal);
  }

  async #read(db: Cluster): Promise<void> {
    while (!this.#stopped) {
      try {
        const [[row]] = await db.reader.query<Answer[]>({ sql: READ, timeout: PATIENCE_MS });
        const server = (row as Answer).server;
        this.served.set(server, (this.served.get(server) ?? 0) + 1);
      } catch (error) {
        this.errors.push(error);
      }
    }
  }
}

describe.each(['SIGKILL', 'SIGSTOP'] as const)('a replica under reads gets %s', (signal) => {
  it('and every read is answered by another node', async () => {
    await using servers = await startReplication({ kind: chosenKind(), proxied: false });
    const [, lost, other] = servers.nodes as [ReplicatedNode, ReplicatedNode, ReplicatedNode];
    await using db = await openCluster(servers, {
      connectTimeout: 3_000,
      monitor: { interval: 300, intervalInDoubt: 100, timeout: 1_000 },
    });
    await db.query('CREATE TABLE notes (id INT PRIMARY KEY)');
    const stateOf = ({ name }: ReplicatedNode): string | undefined => db.topology().nodes.find((node) => node.name === name)?.state;
    const readers = new Readers(db, 8);
    await waitFor('both replicas to serve', () => readers.served.has(lost.serverId) && readers.served.has(other.serverId), Boolean);
    await lost.server.kill(signal);
    await waitFor(
      'the loss to be seen',
      () => stateOf(lost),
      (state) => state !== 'up',
    );
    await readers.more(200);
    await waitFor(
      'it to be down',
      () => stateOf(lost),
      (state) => state === 'down',
    );
    // What was waiting for its answer was sent to another node.
    await waitFor(
      'nothing to be lent there',
      () => db.reader.summary().used + db.reader.summary().waiting,
      (busy) => busy <= 8,
    );
    const servedBefore = readers.served.get(lost.serverId);
    await readers.more(200);
    expect(readers.served.get(lost.serverId)).toBe(servedBefore);
    if (signal === 'SIGSTOP') {
      await lost.server.kill('SIGCONT');
      await waitFor('it to serve again', () => (readers.served.get(lost.serverId) ?? 0) > (servedBefore ?? 0), Boolean);
    }
    await readers.stop();
    expect(readers.errors).toEqual([]);
    expect(db.readStats().reads.refused).toBeUndefined();
  });
});
