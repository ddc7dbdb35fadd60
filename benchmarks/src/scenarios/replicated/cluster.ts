import type { OpenReadWritePool, ReadWritePool } from '../../rivals/replicated/read-write-pool.js';
import type { Case, Contestant, CreateContestant, Scenario, Surroundings } from '../../scenario.js';
import { failOverUnderLoad } from './fail-over.js';
import { runMix } from './mix.js';
import { CALLERS, CAP_MS, LEAD_IN, LIMIT, MIX_STATEMENTS, RETRY_MS } from './settings.js';

type Event = 'planned' | 'unplanned';

interface ClusterCase extends Case {
  /** What happens to the source while callers are at work; undefined: nothing. */
  readonly event?: Event;
  readonly consistency: 'session' | 'eventual';
}

export const cluster: Scenario<ClusterCase> = {
  name: 'cluster',
  title: 'A source and two replicas',
  about: `${CALLERS} callers, 90 % reads: the cost of a statement, the number of reads that miss the caller's own write, and what callers notice when another server becomes the writer.`,
  heldFixed: [
    'Three MySQL servers with GTID replication on this machine, over loopback without TLS: a source, and two replicas that are read-only. `--server` has no effect here.',
    `Each caller writes a row, reads it at once, then reads eight others, and begins again. ${LEAD_IN} warm-up statements precede the ${MIX_STATEMENTS} measured ones. ${LIMIT} connections to each server. A read that does not find the caller's own write counts as stale.`,
    '**poolwright**: `createCluster` with these three nodes, `db` for writes, `db.reader` for reads; the case names the `consistency`. Everything else is the default. The other contestants have no such setting, so they run the same code in both cases.',
    '**MySQL Router + mysql2**: two ports, each with a mysql2 pool: one for writes (`routing_strategy = first-available`, the source first), one for reads (`round-robin` over the replicas). One port that splits (`access_mode = auto`) was not possible: Router takes it only with the metadata of an InnoDB Cluster, not with static destinations. Router is a separate process. Its CPU time is not in these figures.',
    "**mysql2 PoolCluster**: `of('WRITE*', 'ORDER')` over all three servers, `of('READ*', 'RR')` over the replicas, and `restoreNodeTimeout: 1000`. With its default, which removes a server that cannot be reached, the process ended with an uncaught ECONNREFUSED when the source was killed.",
    "**AWS wrapper**: a pool for the source and a pool for one replica, `dialect: 'mysql'`, its default plugins. This dialect, for MySQL outside of Amazon, knows no topology, so the wrapper cannot fail over.",
    'Planned: the source is made read-only, its first replica applies what it has received and takes writes, and the others follow it. Unplanned: the source gets SIGKILL, and its first replica is promoted at once. The clients are not notified. Static routes and PoolCluster notice servers that cannot be reached, but not servers that have become read-only.',
    `After a failed statement, a caller waits ${RETRY_MS} ms. "No write" is the longest time in which none of the callers had a write acknowledged; "servers" is how long no server took writes, which is the minimum for any client. ${CAP_MS / 1000} s after the switch, a round ends. Anything that has not recovered by then counts as "> ${CAP_MS / 1000} s". A process for each round and contestant.`,
  ],
  cases: [
    { name: 'mix, reads see own writes', consistency: 'session', quick: true },
    { name: 'mix, reads from any replica', consistency: 'eventual' },
    { name: 'planned switch', event: 'planned', consistency: 'session', quick: true, rounds: 2 },
    { name: 'source killed', event: 'unplanned', consistency: 'session', quick: true, rounds: 2 },
  ],
  metrics: {
    time: { label: 'time per statement', unit: 'ns', compared: true, rate: 'statements' },
    cpu: { label: 'CPU per statement', unit: 'ns', compared: true },
    stale: { label: 'stale reads of own writes', unit: 'percent' },
    noWrite: { label: 'no write', unit: 'ms', compared: true, cap: CAP_MS },
    servers: { label: 'of that, servers', unit: 'ms' },
    noRead: { label: 'no read', unit: 'ms', cap: CAP_MS },
    failedWrites: { label: 'failed writes', unit: 'count' },
    failedReads: { label: 'failed reads', unit: 'count' },
    staleReads: { label: 'stale reads', unit: 'count' },
  },
  ours: ['poolwright'],
  limits: [],
  rounds: 3,
  warmUpRounds: 0,
  freshProcess: true,
  replicated: true,
  roundLimitMs: 60_000,
  contestants: {
    poolwright: contestant(async () => (await import('../../rivals/replicated/poolwright.js')).openCluster),
    'MySQL Router + mysql2': contestant(async () => (await import('../../rivals/replicated/mysql2.js')).openRouter),
    'mysql2 PoolCluster': contestant(async () => (await import('../../rivals/replicated/mysql2.js')).openPoolCluster),
    'AWS wrapper': contestant(async () => (await import('../../rivals/replicated/aws.js')).openAws),
  },
};

function contestant(load: () => Promise<OpenReadWritePool>): CreateContestant<ClusterCase> {
  return async (surroundings) => {
    const open = await load();
    await surroundings.ask.restoreSource();
    return inCases(open, surroundings);
  };
}

function inCases(open: OpenReadWritePool, { ask, replicated }: Surroundings): Contestant<ClusterCase> {
  let pool: ReadWritePool | undefined;
  return {
    async run({ event, consistency }, { scale }) {
      if (replicated === undefined) throw new Error('bug: not on replicated servers');
      pool = await open({ servers: replicated, limit: LIMIT, consistency });
      await runMix(pool, event === undefined ? LEAD_IN * scale : LIMIT * CALLERS);
      if (event === undefined) return await runMix(pool, MIX_STATEMENTS * scale);
      return await failOverUnderLoad(pool, () => (event === 'planned' ? ask.switchSource() : ask.loseSource()));
    },
    // A pool that hangs is ended with its process.
    close: async () => void (await Promise.race([pool?.close(), new Promise((resolve) => setTimeout(resolve, 500))])),
  };
}
