import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import type { CacheStats } from '../../../src/cache/index.js';
import type { RedisServer } from '../../support/servers/redis-server.js';
import { type SentinelGroup, startRedisCluster, startSentinelGroup } from '../../support/servers/redis-topologies.js';
import { waitFor } from '../../support/wait-for.js';
import { BOUND_MS, type CheckedProcesses, startCheckedProcesses } from '../support/checked-processes.js';

async function roleOf({ port }: RedisServer): Promise<string> {
  const client = new Redis({ port });
  client.on('error', () => undefined);
  try {
    return String(((await client.call('ROLE')) as unknown[])[0]);
  } finally {
    client.disconnect();
  }
}

async function serversOf(group: SentinelGroup): Promise<{ old: RedisServer; promoted: RedisServer }> {
  const port = await group.masterPort();
  const [old, promoted] = group.servers.toSorted((one) => (one.port === port ? -1 : 1)) as [RedisServer, RedisServer];
  return { old, promoted };
}

async function promotion(group: SentinelGroup, { port }: RedisServer): Promise<void> {
  await waitFor(
    'the sentinel to name the replica',
    () => group.masterPort(),
    (named) => named === port,
  );
}

/** A sentinel waits for eight seconds, and for its next look, before it turns a master that has come back into a replica. */
async function becomesReplica(server: RedisServer): Promise<void> {
  await waitFor(
    'the old master to become a replica',
    () => roleOf(server),
    (role) => role === 'slave',
  );
}

/** Waits until each process serves from memory and from Redis what it has stored since now. */
async function serveAgain(processes: CheckedProcesses): Promise<void> {
  const before = await processes.stats();
  const grown = (now: CacheStats, then: CacheStats): boolean =>
    now.redis?.live === true && now.hits.memory > then.hits.memory && now.hits.redis > then.hits.redis && now.redis.backlog === 0;
  await waitFor(
    'every process to serve from the cache again',
    () => processes.stats(),
    (all) => all.every((now, index) => grown(now, before[index] as CacheStats)),
  );
}

describe('while Sentinel promotes a replica, no process reads an older value for longer than the bound', () => {
  it.concurrent('when the master is killed, and comes back as a replica', async () => {
    await using group = await startSentinelGroup();
    const { old, promoted } = await serversOf(group);
    await using processes = await startCheckedProcesses(2, group.url);
    await serveAgain(processes);
    await old.kill('SIGKILL');
    await promotion(group, promoted);
    await serveAgain(processes);
    await old.restart();
    await becomesReplica(old);
    await serveAgain(processes);
    const { longestStaleMs, writes, ...counts } = await processes.end();
    expect(counts).toMatchObject({ failures: 0, staleOfOwn: 0 });
    expect(longestStaleMs).toBeLessThanOrEqual(BOUND_MS);
    expect(writes).toBeGreaterThan(0);
  });

  it.concurrent('when the master is frozen, and continues as a master of its own until it is demoted', async () => {
    await using group = await startSentinelGroup();
    const { old, promoted } = await serversOf(group);
    await using processes = await startCheckedProcesses(2, group.url);
    await serveAgain(processes);
    await old.kill('SIGSTOP');
    await promotion(group, promoted);
    // It knows the new master only; the others were connected to the old one, or connecting, when that stood still.
    await processes.start(1);
    await old.kill('SIGCONT');
    await becomesReplica(old);
    await serveAgain(processes);
    const { longestStaleMs, writes, ...counts } = await processes.end();
    expect(counts).toMatchObject({ failures: 0, staleOfOwn: 0 });
    expect(longestStaleMs).toBeLessThanOrEqual(BOUND_MS);
    expect(writes).toBeGreaterThan(0);
  });
});

describe('while a cluster promotes a replica, no process reads an older value for longer than the bound', () => {
  it('when the master that has the ledger is frozen, and comes back', async () => {
    const ledger = '{poolwright}:ledger';
    await using cluster = await startRedisCluster({ replicated: ledger });
    const port = await cluster.portOf(ledger);
    const old = cluster.masters.find((master) => master.port === port) as RedisServer;
    await using processes = await startCheckedProcesses(2, cluster.url);
    await serveAgain(processes);
    await old.kill('SIGSTOP');
    await waitFor(
      'the replica to have the ledger',
      () => cluster.portOf(ledger),
      (named) => named !== port,
    );
    await processes.start(1);
    await serveAgain(processes);
    await old.kill('SIGCONT');
    await becomesReplica(old);
    await serveAgain(processes);
    const { longestStaleMs, writes, ...counts } = await processes.end();
    expect(counts).toMatchObject({ failures: 0, staleOfOwn: 0 });
    expect(longestStaleMs).toBeLessThanOrEqual(BOUND_MS);
    expect(writes).toBeGreaterThan(0);
  });
});
