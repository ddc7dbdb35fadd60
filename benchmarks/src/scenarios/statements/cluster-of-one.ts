import type { OpenPool } from '../../rivals/lender.js';
import type { CreateContestant, Scenario } from '../../scenario.js';
import { warmed } from '../set-up.js';
import { asking, cases, metrics, type Method, type QueryCase, SIZE } from './query.js';

interface OneNodeCase extends QueryCase {
  readonly method: Method;
}

const small = cases.filter(({ name }) => name.startsWith('small row'));

export const clusterOfOne: Scenario<OneNodeCase> = {
  name: 'cluster-of-one',
  title: 'A cluster of one node beside a pool',
  about: 'What `createCluster` adds to a statement on its writer when the cluster has only one node.',
  heldFixed: [
    `${SIZE} connections to one server on the same machine, over loopback without TLS, all open before the first round; the cluster has one more connection, for its monitor, which checks once a second. The case names the number of callers.`,
    'The small row of the scenarios `query` and `execute`: three columns by primary key, each answer checked. All options are the defaults.',
  ],
  cases: [
    ...small.map((one) => ({ ...one, name: `query, ${one.name}`, method: 'query' as const })),
    ...small.filter(({ callers }) => callers === SIZE).map((one) => ({ ...one, name: `execute, ${one.name}`, method: 'execute' as const })),
  ],
  metrics,
  ours: ['cluster of one node'],
  limits: [],
  rounds: 7,
  warmUpRounds: 2,
  ownCores: true,
  contestants: {
    'cluster of one node': contestant(async () => (await import('../../rivals/cluster-of-one.js')).openClusterOfOne),
    pool: contestant(async () => (await import('../../rivals/poolwright.js')).openPoolwright),
  },
};

function contestant(load: () => Promise<OpenPool>): CreateContestant<OneNodeCase> {
  return async (surroundings) => {
    const open = await load();
    const pool = await warmed(open({ address: surroundings.database, limit: SIZE }), SIZE);
    const by = { query: asking(pool, 'query'), execute: asking(pool, 'execute') };
    return { run: (setting, round) => by[setting.method].run(setting, round), close: () => pool.close() };
  };
}
