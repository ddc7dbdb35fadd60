import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Transaction } from '../../../src/mysql/transactions/transaction.js';
import type { ProxiedStatement } from '../../support/network/statement-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { INSERT, openLedger, openLedgerBehindProxy } from '../support/ledger.js';
import { errorOf, imbalanceOf, outcomeOf, valueOf } from '../../support/pool-on-database.js';

/** What the work below sends, in this order. */
const STATEMENTS = [
  'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
  'START TRANSACTION',
  "INSERT INTO ledger (id, note) VALUES (1, 'by query')",
  'INSERT INTO ledger (id, note) VALUES (?, ?)',
  'EXECUTE',
  'SAVEPOINT poolwright_1',
  "INSERT INTO ledger (id, note) VALUES (3, 'nested')",
  'RELEASE SAVEPOINT poolwright_1',
  'SELECT id FROM ledger FOR UPDATE',
  'COMMIT',
] as const;

async function work(tx: Transaction): Promise<string> {
  await tx.query(INSERT, [1, 'by query']);
  await tx.execute(INSERT, [2, 'by execute']);
  await tx.transaction(async (inner) => await inner.query(INSERT, [3, 'nested']));
  await tx.query('SELECT id FROM ledger FOR UPDATE');
  return 'done';
}

/** Where the network stops a statement: on its way to the server, or on the answer's way back. */
const PLACES = ['on its way', 'when it is being answered'] as const;

/** Stops one statement of a transaction in the network, and says when it has. */
class Snag {
  #place: string | undefined = undefined;
  #sql: string | undefined = undefined;
  #caught: () => void = () => undefined;
  #release: () => void = () => undefined;

  /** Resolves when the statement has been stopped. */
  next(sql: string, place: (typeof PLACES)[number]): Promise<void> {
    this.#sql = sql;
    this.#place = place;
    return new Promise((resolve) => {
      this.#caught = resolve;
    });
  }

  release(): void {
    this.#release();
  }

  handle({ sql, link }: ProxiedStatement): Promise<void> | undefined {
    if (sql !== this.#sql) return undefined;
    this.#sql = undefined;
    const gate = new Promise<void>((resolve) => {
      this.#release = resolve;
    });
    this.#caught();
    if (this.#place === 'on its way') return gate;
    link.holdAnswers(gate);
    return undefined;
  }
}

describe('a transaction that is given up', () => {
  it.each(PLACES)('while any of its statements is %s leaves all or nothing, no lock, and a pool that serves', async (place) => {
    const snag = new Snag();
    await using ledger = await openLedgerBehindProxy((statement) => snag.handle(statement), { connectionLimit: 1 });
    const { pool, database } = ledger;
    const id = await valueOf(pool, 'CONNECTION_ID()');
    const outcomes: string[] = [];
    for (const sql of STATEMENTS) {
      const abort = new AbortController();
      const caught = snag.next(sql, place);
      const outcome = outcomeOf(pool.transaction(work, { isolation: 'REPEATABLE READ', signal: abort.signal }));
      await caught;
      abort.abort(new Error('given up'));
      // The caller is answered while the network still holds the statement, unless it is the COMMIT, which cannot be taken back.
      if (sql !== 'COMMIT') expect(await outcome).toMatchObject({ error: { code: 'POOL_ABORTED', cause: { message: 'given up' } } });
      snag.release();

      const result = await outcome;
      outcomes.push('value' in result ? String(result.value) : String((result.error as { code?: string }).code));
      await waitFor('the connection to come back', () => pool.summary().idle === 1);
      expect([sql, await ledger.ids()]).toEqual([sql, 'value' in result ? [1, 2, 3] : []]);
      await ledger.expectNoLocks();
      expect(await valueOf(pool, 'CONNECTION_ID()')).toBe(id);
      expect(imbalanceOf(pool.stats())).toEqual([]);
      expect(await database.serverConnections()).toBeLessThanOrEqual(2);
      await database.admin('TRUNCATE TABLE ledger');
    }
    expect(outcomes).toEqual([...STATEMENTS.slice(1).map(() => 'POOL_ABORTED'), 'done']);
    expect(pool.stats()).toMatchObject({ opened: 1, retries: 0, used: 0, waiting: 0 });
  });

  it.each(PLACES)('by its deadline, while any of its statements is %s, leaves all or nothing', async (place) => {
    const snag = new Snag();
    await using ledger = await openLedgerBehindProxy((statement) => snag.handle(statement), { connectionLimit: 1 });
    const { pool } = ledger;
    await valueOf(pool, '1');
    for (const sql of STATEMENTS) {
      // On a busy machine the time may be up before that statement's turn has come: then there is more of it.
      let result: unknown;
      for (let timeout = 100; ; timeout *= 2) {
        const met = snag.next(sql, place).then(() => 'met');
        const outcome = outcomeOf(pool.transaction(work, { isolation: 'REPEATABLE READ', timeout }));
        const first = await Promise.race([met, outcome]);
        result = await outcome;
        if (first === 'met') break;
        // A statement of this run that arrives late is not one of the next run.
        snag.release();
        await waitFor('the connection to come back', () => pool.summary().used === 0 && pool.summary().checking === 0);
      }
      expect(result).toMatchObject({ error: { code: sql === 'COMMIT' ? 'POOL_COMMIT_UNKNOWN' : 'POOL_QUERY_TIMEOUT' } });
      snag.release();
      await waitFor('the connection to come back', () => pool.summary().used === 0 && pool.summary().checking === 0);
      if (sql !== 'COMMIT') expect([sql, await ledger.ids()]).toEqual([sql, []]);
      await waitFor('the locks', async () => {
        await ledger.expectNoLocks();
        return true;
      });
      expect(await valueOf(pool, '1')).toBe(1);
      expect(imbalanceOf(pool.stats())).toEqual([]);
      await ledger.database.admin('TRUNCATE TABLE ledger');
    }
  });

  it('while it waits for its connection takes none, and does nothing', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const { pool } = ledger;
    const held = await pool.getConnection();
    const abort = new AbortController();
    const given = errorOf(pool.transaction(work, { signal: abort.signal }));
    await waitFor('it to wait', () => pool.summary().waiting === 1);
    abort.abort();
    expect(await given).toMatchObject({ code: 'POOL_ABORTED' });
    held.release();
    expect(await ledger.ids()).toEqual([]);
    expect(pool.stats()).toMatchObject({ cancelled: 1, used: 0 });
  });

  it('while its function does something else is rolled back at once, and its function finds the tx closed', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const { pool } = ledger;
    const abort = new AbortController();
    let late: Promise<Error> | undefined;
    const given = errorOf(
      pool.transaction(
        async (tx) => {
          await tx.query(INSERT, [1, 'given up']);
          setImmediate(() => abort.abort());
          await delay(100);
          late = errorOf(tx.query(INSERT, [2, 'late']));
        },
        { signal: abort.signal },
      ),
    );
    expect(await given).toMatchObject({ code: 'POOL_ABORTED' });
    expect(late).toBeUndefined();
    await waitFor('the rollback', () => pool.summary().idle === 1);
    await ledger.expectNoLocks();
    await waitFor('the late statement', () => late !== undefined);
    expect(await late).toMatchObject({ code: 'POOL_RELEASED' });
    expect(await ledger.ids()).toEqual([]);
    expect(pool.stats().kills).toBe(0);
  });

  it('before it has begun does nothing', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const error = await errorOf(ledger.pool.transaction(work, { signal: AbortSignal.abort('no') }));
    expect(error).toMatchObject({ code: 'POOL_ABORTED', cause: 'no' });
    expect(ledger.pool.stats()).toMatchObject({ opened: 0, cancelled: 1 });
  });

  it('does not run statements that stand in line behind the one that is stopped', async () => {
    const snag = new Snag();
    await using ledger = await openLedgerBehindProxy((statement) => snag.handle(statement), { connectionLimit: 1 });
    const abort = new AbortController();
    const caught = snag.next('SELECT 1', 'on its way');
    const behind: Promise<Error>[] = [];
    const given = errorOf(
      ledger.pool.transaction(
        async (tx) => {
          const first = tx.query('SELECT 1');
          behind.push(errorOf(tx.query(INSERT, [1, 'behind'])), errorOf(tx.execute(INSERT, [2, 'behind'])));
          await first;
        },
        { signal: abort.signal },
      ),
    );
    await caught;
    abort.abort();
    expect(await given).toMatchObject({ code: 'POOL_ABORTED' });
    for (const error of await Promise.all(behind)) expect(error).toMatchObject({ code: 'POOL_ABORTED' });
    snag.release();
    await waitFor('the connection to come back', () => ledger.pool.summary().idle === 1);
    expect(ledger.proxy.statements.filter((sql) => sql.includes('INSERT'))).toEqual([]);
  });

  it('at a random moment, thousands of times, leaves all or nothing', async () => {
    await using ledger = await openLedger({ connectionLimit: 4 });
    const { pool, database } = ledger;
    const rounds = 1_500;
    const outcomes = new Map<number, string>();
    let next = 0;
    // Half of them are to be done before they are given up, however fast the machine is.
    let mostMs = 60;
    const run = async (): Promise<void> => {
      for (let number = next++; number < rounds; number = next++) {
        const abort = new AbortController();
        const timer = setTimeout(() => abort.abort(), Math.random() * mostMs);
        const base = number * 3;
        const result = await outcomeOf(
          pool.transaction(
            async (tx) => {
              await tx.query(INSERT, [base, '']);
              await tx.execute(INSERT, [base + 1, '']);
              await tx.query('SELECT SLEEP(0.004)');
              await tx.transaction(async (inner) => await inner.query(INSERT, [base + 2, '']));
            },
            { signal: abort.signal, maxRetries: 50 },
          ),
        );
        clearTimeout(timer);
        mostMs *= 'value' in result ? 0.98 : 1.02;
        outcomes.set(number, 'value' in result ? 'done' : String((result.error as { code?: string }).code));
      }
    };
    await Promise.all(Array.from({ length: 12 }, run));
    await waitFor('the connections to come back', () => pool.summary().used + pool.summary().checking === 0);
    const ids = new Set(await ledger.ids());
    for (const [number, outcome] of outcomes) {
      const lines = [0, 1, 2].map((offset) => ids.has(number * 3 + offset));
      expect([number, outcome, lines]).toEqual([number, outcome, lines.map(() => outcome === 'done')]);
    }
    expect(new Set(outcomes.values())).toEqual(new Set(['done', 'POOL_ABORTED']));
    await ledger.expectNoLocks();
    expect(imbalanceOf(pool.stats())).toEqual([]);
    expect(await database.serverConnections()).toBeLessThanOrEqual(5);
  });
});
