import { deepStrictEqual } from 'node:assert/strict';
import { ACCOUNTS } from '../../data.js';
import type { ConnectionPool, OpenPool, Row } from '../../rivals/lender.js';
import { seededRandom } from '../../runner/shuffle.js';
import type { Case, Contestant, CreateContestant, Scenario } from '../../scenario.js';
import { warmedConnections } from '../set-up.js';
import { costOf, inParallel, quantile, turnsOf } from '../timing.js';

const SIZE = 20;
const OPERATIONS = 2_000;

interface Mix extends Case {
  readonly callers: number;
}

/** Shares of the operations, in order: up to which number from 0 to 1 it is this one. */
const READ = 0.7;
const UPDATE = 0.85;
const INSERT = 0.9;

export const oltp: Scenario<Mix> = {
  name: 'oltp',
  title: 'A mix with transactions',
  about:
    'What a service does: of ten operations seven read a row, one and a half update one, half a one inserts one, and one is a transaction that moves an amount between two accounts and notes it (five round trips).',
  heldFixed: [
    `${SIZE} connections, loopback without TLS. Tables of ${ACCOUNTS} accounts, one set for each contestant, so that none waits for the locks of another. Transactions lock their rows in one order, so there are no deadlocks.`,
    "Transactions as each manual shows them: poolwright's `transaction`, knex's `transaction`, with mysql2 and mariadb a connection, beginTransaction, commit, rollback on error, release.",
    'After each round the sum of all balances and the number of notes are read and must be what the operations add up to.',
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

function contestant(load: () => Promise<OpenPool>): CreateContestant<Mix> {
  return async (surroundings) => {
    const open = await load();
    const pool = await warmedConnections(open({ address: surroundings.database, limit: SIZE }), SIZE, surroundings);
    const tables = { accounts: `oltp_accounts_${surroundings.id}`, notes: `oltp_notes_${surroundings.id}` };
    await pool.query(`CREATE TABLE ${tables.accounts} AS SELECT * FROM accounts`, []);
    await pool.query(`ALTER TABLE ${tables.accounts} ADD PRIMARY KEY (id)`, []);
    await pool.query(
      `CREATE TABLE ${tables.notes} (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, giver INT UNSIGNED NOT NULL, taker INT UNSIGNED NOT NULL, amount INT NOT NULL)`,
      [],
    );
    return mixing(pool as Required<ConnectionPool>, tables);
  };
}

function mixing(pool: Required<ConnectionPool>, { accounts, notes }: { accounts: string; notes: string }): Contestant<Mix> {
  const read = `SELECT id, name, balance FROM ${accounts} WHERE id = ?`;
  const add = `UPDATE ${accounts} SET balance = balance + ? WHERE id = ?`;
  const note = `INSERT INTO ${notes} (giver, taker, amount) VALUES (?, ?, ?)`;
  const totals = async (): Promise<Row> => {
    const sums = `SELECT CAST((SELECT SUM(balance) FROM ${accounts}) AS DOUBLE) AS balance, CAST((SELECT COUNT(*) FROM ${notes}) AS DOUBLE) AS notes`;
    return { ...pool.rowsOf(await pool.query(sums, []))[0] };
  };
  return {
    connections: SIZE,
    async run({ callers }, { number, scale }) {
      await pool.query(`TRUNCATE ${notes}`, []);
      const before = (await totals()) as { balance: number };
      const random = seededRandom(number);
      const anyId = (): number => 1 + Math.floor(random() * ACCOUNTS);
      const latencies: number[] = [];
      let added = 0;
      let noted = 0;
      const operate = async (): Promise<void> => {
        const what = random();
        const id = anyId();
        const startedAt = performance.now();
        if (what < READ) {
          const rows = pool.rowsOf(await pool.query(read, [id]));
          if (rows.length !== 1 || rows[0]?.['id'] !== id) throw new Error(`wrong answer for ${id}`);
        } else if (what < UPDATE) {
          added += 1;
          await pool.query(add, [1, id]);
        } else if (what < INSERT) {
          noted += 1;
          await pool.query(note, [id, id, 0]);
        } else {
          noted += 1;
          const taker = (id % ACCOUNTS) + 1;
          const moves = [
            [-5, id],
            [5, taker],
          ].toSorted(([, a], [, b]) => (a as number) - (b as number));
          await pool.transaction(async (query) => {
            for (const move of moves) await query(add, move);
            await query(note, [id, taker, 5]);
          });
        }
        latencies.push(performance.now() - startedAt);
      };
      const each = turnsOf(OPERATIONS, callers, scale);
      const cost = await costOf(each * callers, () => inParallel(callers, each, operate));
      deepStrictEqual(await totals(), { balance: before.balance + added, notes: noted });
      return { ...cost, p99: quantile(latencies, 0.99) };
    },
    close: () => pool.close(),
  };
}
