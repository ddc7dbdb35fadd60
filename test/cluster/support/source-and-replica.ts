/** A source and its replica that the tests of a file share. */
import { afterAll, beforeAll } from 'vitest';
import { type ClusterOptions, createCluster, type Cluster } from '../../../src/cluster/index.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { type Replication, startReplication } from '../../support/replication/replication.js';
import { chosenKind } from '../../support/sql-servers/kinds.js';

/** For what {@link waitFor} asks of servers. */
export const LONG = { intervalMs: 20 };

/** The two servers, once the tests run. */
export interface SourceAndReplica {
  readonly servers: Replication;
  readonly source: ReplicatedNode;
  readonly replica: ReplicatedNode;
}

/** Starts them before the tests of the file that calls it, of the kind that this run is on, and ends them after. */
export function sharedSourceAndReplica(): SourceAndReplica {
  let started: Replication | undefined;
  beforeAll(async () => {
    started = await startReplication({ kind: chosenKind(), replicas: 1 });
  });
  afterAll(async () => {
    await started?.[Symbol.asyncDispose]();
  });
  const servers = (): Replication => {
    if (started === undefined) throw new Error('bug: asked for servers before the tests run.');
    return started;
  };
  return {
    get servers() {
      return servers();
    },
    get source() {
      return servers().nodes[0] as ReplicatedNode;
    },
    get replica() {
      return servers().nodes[1] as ReplicatedNode;
    },
  };
}

/** A cluster that ends when it is disposed of. */
export function disposableCluster(options: ClusterOptions): Cluster & AsyncDisposable {
  const db = createCluster(options);
  return Object.assign(db, { [Symbol.asyncDispose]: () => db.end() });
}
