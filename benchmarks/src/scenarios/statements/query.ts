import { deepStrictEqual } from 'node:assert/strict';
import { ACCOUNTS, accountOf, SMALL_COLUMNS, WIDE_ROWS, wideRowOf } from '../../data.js';
import type { ConnectionPool, OpenPool, Row } from '../../rivals/lender.js';
import { seededRandom } from '../../runner/shuffle.js';
import type { Case, Contestant, CreateContestant, Scenario } from '../../scenario.js';
import { warmedConnections } from '../set-up.js';
import { costOf, inParallel, turnsOf } from '../timing.js';

export const SIZE = 20;
const LEAD_IN = 200;

/** What is asked for, and whether the answer is right. */
interface Question {
  readonly name: string;
  readonly sql: string;
  /** The highest id that may be asked for. */
  readonly ids: number;
  readonly operations: number;
  valuesOf(id: number): readonly unknown[];
  /** All of the answer, as it must be. */
  expected(id: number): readonly Row[];
}

const questions: readonly Question[] = [
  {
    name: 'small row',
    sql: `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`,
    ids: ACCOUNTS,
    operations: 2_500,
    valuesOf: (id) => [id],
    expected: (id) => [accountOf(id)],
  },
  {
    name: '100 rows',
    sql: `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id BETWEEN ? AND ?`,
    ids: ACCOUNTS - 100,
    operations: 800,
    valuesOf: (id) => [id, id + 99],
    expected: (id) => Array.from({ length: 100 }, (_, index) => accountOf(id + index)),
  },
  {
    name: 'wide row',
    sql: 'SELECT * FROM wide WHERE id = ?',
    ids: WIDE_ROWS,
    operations: 800,
    valuesOf: (id) => [id],
    expected: (id) => [wideRowOf(id)],
  },
];

export interface QueryCase extends Case {
  readonly question: Question;
  readonly callers: number;
}

export type Method = 'query' | 'execute';

const CALLERS = [1, 20, 200];

export const cases: readonly QueryCase[] = questions.flatMap((question) =>
  CALLERS.map((callers) => ({
    name: `${question.name}, ${callers} ${callers === 1 ? 'caller' : 'callers'}`,
    question,
    callers,
    ...(question.name === 'small row' && callers !== 20 ? { quick: true as const } : {}),
  })),
);

const heldFixed = [
  `${SIZE} connections to one server on the same machine, over loopback without TLS, all open before the first round. The case names the number of callers. Each caller starts its next statement when the previous one is answered.`,
  'Each answer is checked (number of rows, first id); before each measurement, one answer is compared with the expected one, column by column.',
  'CPU covers only the client process, with all its threads.',
  'Small row: three columns by primary key. 100 rows: the same columns of a range of the primary key. Wide row: 42 columns, among them dates, decimals and a text of 1 000 characters.',
  "poolwright's statistics, deadlines, session tracking, hygiene, and validation are on. Each rival has its own defaults.",
  '`connections, no pool` is the driver alone: 20 mysql2 connections, used in turn without a pool.',
];

export const metrics = {
  time: { label: 'time per statement', unit: 'ns', compared: true, rate: 'statements' },
  cpu: { label: 'CPU per statement', unit: 'ns', compared: true },
} as const;

export const query: Scenario<QueryCase> = {
  name: 'query',
  title: 'query()',
  about: 'Statements with the values in the text, over the whole path: queue, connection, server, rows.',
  heldFixed: [
    ...heldFixed,
    'tarn, generic-pool and sequelize-pool lend mysql2 connections: acquire, query, release. knex is tarn over mysql2 with raw statements. `mysql2 callbacks` is mysql2 without its promise layer: one promise around each callback.',
  ],
  cases,
  metrics,
  ours: ['poolwright'],
  limits: ['connections, no pool'],
  rounds: 5,
  warmUpRounds: 2,
  steadyMachine: true,
  ownCores: true,
  contestants: {
    poolwright: contestant('query', async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant('query', async () => (await import('../../rivals/mysql2.js')).openMysql2),
    'mysql2 callbacks': contestant('query', async () => (await import('../../rivals/mysql2.js')).openMysql2Callbacks),
    mariadb: contestant('query', async () => (await import('../../rivals/mariadb.js')).openMariadb),
    'tarn + mysql2': contestant('query', async () => (await import('../../rivals/over-mysql2.js')).openTarnOverMysql2),
    'generic-pool + mysql2': contestant('query', async () => (await import('../../rivals/over-mysql2.js')).openGenericPoolOverMysql2),
    'sequelize-pool + mysql2': contestant('query', async () => (await import('../../rivals/over-mysql2.js')).openSequelizePoolOverMysql2),
    knex: contestant('query', async () => (await import('../../rivals/knex.js')).openKnex),
    'connections, no pool': noPool('query'),
  },
};

export const execute: Scenario<QueryCase> = {
  name: 'execute',
  title: 'execute()',
  about: 'Prepared statements, which the server parses once for each connection, over the whole path.',
  heldFixed: [
    ...heldFixed,
    'Pools without prepared statements (knex) do not take part. Each connection has prepared the statement before a measurement begins.',
  ],
  cases,
  metrics,
  ours: ['poolwright'],
  limits: ['connections, no pool'],
  rounds: 5,
  warmUpRounds: 2,
  steadyMachine: true,
  ownCores: true,
  contestants: {
    poolwright: contestant('execute', async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant('execute', async () => (await import('../../rivals/mysql2.js')).openMysql2),
    'mysql2 callbacks': contestant('execute', async () => (await import('../../rivals/mysql2.js')).openMysql2Callbacks),
    mariadb: contestant('execute', async () => (await import('../../rivals/mariadb.js')).openMariadb),
    'connections, no pool': noPool('execute'),
  },
};

function contestant(method: Method, load: () => Promise<OpenPool>): CreateContestant<QueryCase> {
  return async (surroundings) => {
    const open = await load();
    const pool = open({ address: surroundings.database, limit: SIZE });
    return asking(await warmedConnections(pool, SIZE, surroundings), method);
  };
}

function noPool(method: Method): CreateContestant<QueryCase> {
  return async ({ database }) => {
    const { openConnections } = await import('../../rivals/mysql2.js');
    return asking(await openConnections({ address: database, limit: SIZE }), method);
  };
}

export function asking(pool: ConnectionPool, method: Method): Contestant<QueryCase> {
  const send = (sql: string, values: readonly unknown[]): PromiseLike<unknown> =>
    method === 'query' ? pool.query(sql, values) : (pool as Required<ConnectionPool>).execute(sql, values);
  return {
    connections: SIZE,
    async run({ question, callers }, { number, scale }) {
      const random = seededRandom(number);
      const nextId = (): number => 1 + Math.floor(random() * question.ids);
      const { length } = question.expected(1);
      const ask = async (): Promise<void> => {
        const id = nextId();
        const rows = pool.rowsOf(await send(question.sql, question.valuesOf(id)));
        if (rows.length !== length || rows[0]?.['id'] !== id) throw new Error(`wrong answer to ${question.sql} for ${id}`);
      };
      // Every connection, no matter in which order the pool lends them.
      await inParallel(SIZE, LEAD_IN / SIZE, ask);
      const id = nextId();
      const answer = pool.rowsOf(await send(question.sql, question.valuesOf(id)));
      deepStrictEqual(
        answer.map((row) => ({ ...row })),
        question.expected(id),
      );
      const each = turnsOf(question.operations, callers, scale);
      return { ...(await costOf(each * callers, () => inParallel(callers, each, ask))) };
    },
    close: () => pool.close(),
  };
}
