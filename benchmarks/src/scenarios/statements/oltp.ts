import { ACCOUNTS } from '../../data.js';
import type { ConnectionPool, OpenPool } from '../../rivals/lender.js';
import type { Case, Contestant, CreateContestant, Scenario } from '../../scenario.js';
import { warmedConnections } from '../set-up.js';
import { costOf, inParallel, quantile, turnsOf } from '../timing.js';
import { type Mix, openMix } from './mix.js';

const SIZE = 20;
const OPERATIONS = 2_000;

interface Callers extends Case {
  readonly callers: number;
}

export const oltp: Scenario<Callers> = {
  name: 'oltp',
  title: 'A mix with transactions',
  about:
    'The work of a typical service: 70 % of the operations read a row, 15 % update one, 5 % insert one, and 10 % are a transaction that moves an amount between two accounts and records it (five round trips).',
  heldFixed: [
    `${SIZE} connections, loopback without TLS. Tables of ${ACCOUNTS} accounts, one set for each contestant, so that no contestant waits for another one's locks. Transactions lock their rows in one order, so there are no deadlocks.`,
    "Transactions as each manual shows them: poolwright's `transaction`, knex's `transaction`, with mysql2 and mariadb a connection, beginTransaction, commit, rollback on error, release.",
    'After each round, the sum of all balances and the number of records must match the operations.',
    'InnoDB writes its log at commit and flushes it once a second (innodb_flush_log_at_trx_commit = 2).',
  ],
  cases: [
    { name: '20 callers', callers: 20 },
    { name: '100 callers', callers: 100, quick: true },
  ],
  metrics: {
    time: { label: 'time per operation', unit: 'ns', compared: true, rate: 'operations' },
    cpu: { label: 'CPU per operation', unit: 'ns', compared: true },
    p99: { label: '99 % of operations within', unit: 'ms' },
  },
  ours: ['poolwright'],
  limits: [],
  rounds: 7,
  warmUpRounds: 2,
  contestants: {
    poolwright: contestant(async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant(async () => (await import('../../rivals/mysql2.js')).openMysql2),
    mariadb: contestant(async () => (await import('../../rivals/mariadb.js')).openMariadb),
    knex: contestant(async () => (await import('../../rivals/knex.js')).openKnex),
  },
};

function contestant(load: () => Promise<OpenPool>): CreateContestant<Callers> {
  return async (surroundings) => {
    const open = await load();
    const pool = await warmedConnections(open({ address: surroundings.database, limit: SIZE }), SIZE, surroundings);
    return mixing(pool, await openMix(pool as Required<ConnectionPool>, surroundings.id));
  };
}

function mixing(pool: ConnectionPool, mix: Mix): Contestant<Callers> {
  return {
    connections: SIZE,
    async run({ callers }, { number, scale }) {
      const { operate, check } = await mix.begin(number);
      const latencies: number[] = [];
      const timed = async (): Promise<void> => {
        const startedAt = performance.now();
        await operate();
        latencies.push(performance.now() - startedAt);
      };
      const each = turnsOf(OPERATIONS, callers, scale);
      const cost = await costOf(each * callers, () => inParallel(callers, each, timed));
      await check();
      return { ...cost, p99: quantile(latencies, 0.99) };
    },
    close: () => pool.close(),
  };
}
