import { deepStrictEqual } from 'node:assert/strict';
import { ACCOUNTS } from '../../data.js';
import type { ConnectionPool, Row } from '../../rivals/lender.js';
import { seededRandom } from '../../runner/shuffle.js';

/** Shares of the operations, in order: up to which number from 0 to 1 it is this one. */
const READ = 0.7;
const UPDATE = 0.85;
const INSERT = 0.9;

/** Operations that are drawn from one seed, with what they must add up to. */
export interface MixRun {
  readonly operate: () => Promise<void>;
  /** @throws Error when the tables do not hold what the operations add up to */
  readonly check: () => Promise<void>;
}

/** A mix of reads, writes and transactions over tables of its own. */
export interface Mix {
  begin(seed: number): Promise<MixRun>;
}

/** @param id names the tables, so that no contestant waits for the locks of another */
export async function openMix(pool: Required<ConnectionPool>, id: string): Promise<Mix> {
  const accounts = `oltp_accounts_${id}`;
  const notes = `oltp_notes_${id}`;
  for (const table of [accounts, notes]) await pool.query(`DROP TABLE IF EXISTS ${table}`, []);
  await pool.query(`CREATE TABLE ${accounts} AS SELECT * FROM accounts`, []);
  await pool.query(`ALTER TABLE ${accounts} ADD PRIMARY KEY (id)`, []);
  await pool.query(
    `CREATE TABLE ${notes} (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, giver INT UNSIGNED NOT NULL, taker INT UNSIGNED NOT NULL, amount INT NOT NULL)`,
    [],
  );
  const read = `SELECT id, name, balance FROM ${accounts} WHERE id = ?`;
  const add = `UPDATE ${accounts} SET balance = balance + ? WHERE id = ?`;
  const note = `INSERT INTO ${notes} (giver, taker, amount) VALUES (?, ?, ?)`;
  const totals = async (): Promise<Row> => {
    const sums = `SELECT CAST((SELECT SUM(balance) FROM ${accounts}) AS DOUBLE) AS balance, CAST((SELECT COUNT(*) FROM ${notes}) AS DOUBLE) AS notes`;
    return { ...pool.rowsOf(await pool.query(sums, []))[0] };
  };
  const move = async (giver: number): Promise<void> => {
    const taker = (giver % ACCOUNTS) + 1;
    const moves = [
      [-5, giver],
      [5, taker],
    ].toSorted(([, a], [, b]) => (a as number) - (b as number));
    await pool.transaction(async (query) => {
      for (const values of moves) await query(add, values);
      await query(note, [giver, taker, 5]);
    });
  };
  return {
    async begin(seed) {
      await pool.query(`TRUNCATE ${notes}`, []);
      const before = (await totals()) as { balance: number };
      const random = seededRandom(seed);
      let added = 0;
      let noted = 0;
      return {
        async operate() {
          const what = random();
          const account = 1 + Math.floor(random() * ACCOUNTS);
          if (what < READ) {
            const rows = pool.rowsOf(await pool.query(read, [account]));
            if (rows.length !== 1 || rows[0]?.['id'] !== account) throw new Error(`wrong answer for ${account}`);
          } else if (what < UPDATE) {
            added += 1;
            await pool.query(add, [1, account]);
          } else {
            noted += 1;
            if (what < INSERT) await pool.query(note, [account, account, 0]);
            else await move(account);
          }
        },
        check: async () => deepStrictEqual(await totals(), { balance: before.balance + added, notes: noted }),
      };
    },
  };
}
