import { describe, expect, it } from 'vitest';
import type { RowDataPacket } from 'mysql2/promise';
import type { Transaction } from '../../../src/mysql/transactions/transaction.js';
import { errorOf, firstRow, imbalanceOf, valueOf } from '../../support/pool-on-database.js';
import { idsSeenBy, INSERT, openLedger, UPDATE } from '../support/ledger.js';

class OutOfStock extends Error {}

describe('pool.transaction()', () => {
  it('commits what its function did, and resolves to what it returned', async () => {
    await using ledger = await openLedger({ connectionLimit: 2 });
    const { pool } = ledger;
    const result = await pool.transaction(async (tx) => {
      await tx.query(INSERT, [1, 'by query']);
      await tx.execute(INSERT, [2, 'by execute']);
      expect(await ledger.ids()).toEqual([]);
      return { id: 2 };
    });
    expect(result).toEqual({ id: 2 });
    expect(await ledger.ids()).toEqual([1, 2]);
    await ledger.expectNoLocks();
    expect(pool.stats()).toMatchObject({ acquired: 1, released: 1, used: 0, resets: 0, retries: 0 });
  });

  it('takes a function that is not async', async () => {
    await using ledger = await openLedger();
    expect(await ledger.pool.transaction((() => 7) as never)).toBe(7);
    const thrown = new OutOfStock();
    const throws = (): never => {
      throw thrown;
    };
    expect(await errorOf(ledger.pool.transaction(throws as never))).toBe(thrown);
    expect(ledger.pool.summary()).toMatchObject({ used: 0 });
  });

  it.each(['auto', 'transaction', 'always', 'never'] as const)(
    'rolls back when its function throws, and releases its locks before the caller gets the error: hygiene %s',
    async (hygiene) => {
      await using ledger = await openLedger({ connectionLimit: 1, hygiene });
      await ledger.database.admin(INSERT, [1, 'before']);
      for (let round = 0; round < 20; round += 1) {
        const thrown = new OutOfStock('none left');
        const error = await errorOf(
          ledger.pool.transaction(async (tx) => {
            await tx.query(UPDATE, ['changed', 1]);
            await tx.query(INSERT, [2, 'new']);
            throw thrown;
          }),
        );
        expect(error).toBe(thrown);
        await ledger.expectNoLocks();
      }
      expect(await ledger.noteOf(1)).toBe('before');
      expect(await ledger.ids()).toEqual([1]);
      expect(ledger.pool.stats()).toMatchObject({ used: 0, opened: 1 });
    },
  );

  it('rolls back on an error of the server, which the caller gets as it is', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const error = await errorOf(
      ledger.pool.transaction(async (tx) => {
        await tx.query(INSERT, [1, 'a']);
        await tx.query(INSERT, [1, 'b']);
      }),
    );
    expect(error).toMatchObject({ code: 'ER_DUP_ENTRY', errno: 1062 });
    expect(await ledger.ids()).toEqual([]);
    await ledger.expectNoLocks();
  });

  it('continues after an error that its function has dealt with', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    await ledger.pool.transaction(async (tx) => {
      await tx.query(INSERT, [1, 'a']);
      expect(await errorOf(tx.query(INSERT, [1, 'b']))).toMatchObject({ errno: 1062 });
      await tx.query(INSERT, [2, 'c']);
    });
    expect(await ledger.ids()).toEqual([1, 2]);
  });

  it('costs no reset of the session when a statement failed in it', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    await ledger.pool.transaction(async (tx) => {
      await tx.query(INSERT, [1, 'first']);
      expect(await errorOf(tx.query(INSERT, [1, 'again']))).toMatchObject({ errno: 1062 });
    });
    expect(await ledger.ids()).toEqual([1]);
    expect(ledger.pool.stats()).toMatchObject({ resets: 0, opened: 1 });
  });

  it('runs statements that were not awaited as if they were: they are part of it, in their order', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    await ledger.pool.transaction(async (tx) => {
      void tx.query(INSERT, [1, 'a']);
      void tx.query('SELECT SLEEP(0.05)');
      void tx.execute(INSERT, [2, 'b']);
    });
    expect(await ledger.ids()).toEqual([1, 2]);

    const thrown = new OutOfStock();
    const error = await errorOf(
      ledger.pool.transaction(async (tx) => {
        void tx.query('SELECT SLEEP(0.05)');
        void tx.query(INSERT, [3, 'c']);
        throw thrown;
      }),
    );
    expect(error).toBe(thrown);
    expect(await ledger.ids()).toEqual([1, 2]);
    await ledger.expectNoLocks();
  });

  it('refuses its tx when it is over: after the commit, after a rollback, and to nested ones', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const kept: Transaction[] = [];
    await ledger.pool.transaction(async (tx) => void kept.push(tx));
    await errorOf(
      ledger.pool.transaction(async (tx) => {
        kept.push(tx);
        throw new OutOfStock();
      }),
    );
    for (const tx of kept) {
      for (const call of [
        () => tx.query('SELECT 1'),
        () => tx.execute('SELECT 1'),
        () => tx.transaction(async () => undefined),
        () => tx.query(INSERT, [1, 'late']),
      ]) {
        expect(await errorOf(call())).toMatchObject({ code: 'POOL_RELEASED' });
      }
    }
    expect(await ledger.ids()).toEqual([]);
    expect(await valueOf(ledger.pool, '1')).toBe(1);
  });

  it('refuses options that it does not know or cannot keep, before it takes a connection', async () => {
    await using ledger = await openLedger();
    const work = async (): Promise<void> => undefined;
    for (const options of [
      { isolation: 'SNAPSHOT' },
      { isolation: 'SERIALIZABLE; DROP TABLE ledger' },
      { readOnly: 'yes' },
      { maxRetries: -1 },
      { maxRetries: 1.5 },
      { timeout: -1 },
      { timeout: Number.NaN },
      { isolationLevel: 'SERIALIZABLE' },
      { signal: 'no signal' },
    ]) {
      expect([options, await errorOf(ledger.pool.transaction(work, options as never))]).toMatchObject([
        {},
        { code: 'POOL_OPTION_INVALID' },
      ]);
    }
    expect(ledger.pool.stats()).toMatchObject({ acquires: 0, opened: 0 });
  });

  it('fails with the reason when no connection can be had', async () => {
    await using ledger = await openLedger({ connectionLimit: 1, acquireTimeout: 50 });
    // A busy machine may take longer to open a connection than a caller waits here.
    await ledger.pool.ready();
    const held = await ledger.pool.getConnection();
    const ran: string[] = [];
    const work = async (): Promise<void> => void ran.push('ran');
    expect(await errorOf(ledger.pool.transaction(work))).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT', reason: 'exhausted' });
    held.release();
    await ledger.pool.end();
    expect(await errorOf(ledger.pool.transaction(work))).toMatchObject({ code: 'POOL_CLOSED' });
    expect(ran).toEqual([]);
  });
});

describe('the isolation of a transaction', () => {
  it.each([
    ['READ UNCOMMITTED', ['changed', 'changed']],
    ['READ COMMITTED', ['before', 'changed']],
    ['REPEATABLE READ', ['before', 'before']],
  ] as const)('is what was asked for: %s', async (isolation, seen) => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    await ledger.database.admin(INSERT, [1, 'before']);
    await using other = await ledger.database.connectAsAdmin();
    await other.query('START TRANSACTION');
    await ledger.pool.transaction(
      async (tx) => {
        const read = async (): Promise<unknown> => {
          const [rows] = await tx.query<RowDataPacket[]>('SELECT note FROM ledger WHERE id = 1');
          return rows[0]?.['note'];
        };
        await tx.query('SELECT COUNT(*) FROM ledger');
        await other.query(UPDATE, ['changed', 1]);
        const beforeTheirCommit = await read();
        await other.query('COMMIT');
        expect([beforeTheirCommit, await read()]).toEqual(seen);
      },
      { isolation },
    );
  });

  it('SERIALIZABLE locks what is read', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    await ledger.database.admin(INSERT, [1, 'before']);
    await ledger.pool.transaction(
      async (tx) => {
        await tx.query('SELECT note FROM ledger WHERE id = 1');
        await expect(ledger.expectNoLocks()).rejects.toMatchObject({ errno: 1205 });
      },
      { isolation: 'SERIALIZABLE' },
    );
  });

  it('is that transaction’s only: the next one, and the session, have their own, without a reset', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const { pool, database } = ledger;
    await database.admin(INSERT, [1, 'before']);
    await pool.transaction(async (tx) => void (await tx.query('SELECT 1')), { isolation: 'SERIALIZABLE' });
    await pool.transaction(async (tx) => {
      await tx.query('SELECT note FROM ledger WHERE id = 1');
      // A plain read takes no lock.
      await ledger.expectNoLocks();
    });
    const named = "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')";
    expect(await firstRow(pool, named)).toMatchObject({ Value: 'REPEATABLE-READ' });
    expect(pool.stats()).toMatchObject({ resets: 0, opened: 1 });
  });

  it.each(['auto', 'never'] as const)(
    'is not passed on when the transaction was given up before it had begun: hygiene %s',
    async (hygiene) => {
      await using ledger = await openLedger({ connectionLimit: 1, hygiene });
      await ledger.database.admin(INSERT, [1, 'before']);
      await errorOf(
        ledger.pool.transaction(async () => undefined, { isolation: 'SERIALIZABLE', signal: AbortSignal.abort(), readOnly: true }),
      );
      await ledger.pool.transaction(async (tx) => {
        await tx.query('SELECT note FROM ledger WHERE id = 1');
        await ledger.expectNoLocks();
      });
    },
  );
});

describe('a read-only transaction', () => {
  it('reads, is refused writes by the server, and costs no connection', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const { pool } = ledger;
    expect(await pool.transaction(async (tx) => await idsSeenBy(tx), { readOnly: true })).toEqual([]);
    const error = await errorOf(pool.transaction(async (tx) => await tx.query(INSERT, [1, 'a']), { readOnly: true }));
    expect(error).toMatchObject({ errno: 1792 });
    await pool.transaction(async (tx) => await tx.query(INSERT, [1, 'a']), { readOnly: false });
    expect(await ledger.ids()).toEqual([1]);
    expect(pool.stats()).toMatchObject({ opened: 1, closed: 0 });
  });
});

describe('many transactions at once', () => {
  it('move money about without losing any (I9, I12)', async () => {
    // So much contention is intended: the budget is for load that is not.
    await using ledger = await openLedger({ connectionLimit: 8, retries: { budgetMinimum: 1_000_000 } });
    const { pool, database } = ledger;
    await database.admin('CREATE TABLE accounts (id INT PRIMARY KEY, balance INT NOT NULL) ENGINE = InnoDB');
    await database.admin('INSERT INTO accounts VALUES (0, 100), (1, 100), (2, 100), (3, 100)');
    let moves = 0;
    await Promise.all(
      Array.from({ length: 200 }, async (_, number) => {
        const [from, to] = [number % 4, (number * 7 + 1) % 4];
        await pool.transaction(
          async (tx) => {
            await tx.query('UPDATE accounts SET balance = balance - 1 WHERE id = ?', [from]);
            await tx.execute('UPDATE accounts SET balance = balance + 1 WHERE id = ?', [to]);
            await tx.query(INSERT, [number, `${from} to ${to}`]);
          },
          { maxRetries: 1_000 },
        );
        moves += 1;
      }),
    );
    expect(moves).toBe(200);
    expect(await ledger.ids()).toHaveLength(200);
    expect(Number(await valueOf(pool, '(SELECT SUM(balance) FROM accounts)'))).toBe(400);
    expect(imbalanceOf(pool.stats())).toEqual([]);
    expect(pool.stats()).toMatchObject({ used: 0, waiting: 0 });
    console.log(`200 transfers over 4 accounts: ${pool.stats().retries} deadlocks, retried`);
  });
});
