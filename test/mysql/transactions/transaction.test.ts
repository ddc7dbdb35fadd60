import { describe, expect, it } from 'vitest';
import type { RowDataPacket } from 'mysql2/promise';
import type { Transaction } from '../../../src/mysql/transactions/transaction.js';
import { errorOf, imbalanceOf, valueOf } from '../support/pools.js';
import { INSERT, openLedger, UPDATE } from '../support/ledger.js';

class OutOfStock extends Error {}

async function idsSeenBy(tx: Transaction): Promise<number[]> {
  const [rows] = await tx.query<(RowDataPacket & { id: number })[]>('SELECT id FROM ledger ORDER BY id');
  return rows.map(({ id }) => id);
}

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
    'rolls back when its function throws, and releases its locks before the caller is told: hygiene %s',
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

  it('goes on after an error that its function has dealt with', async () => {
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

  it('has statements that nobody awaited behave as if they were: they are part of it, in their order', async () => {
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

  it('is told why when no connection can be had', async () => {
    await using ledger = await openLedger({ connectionLimit: 1, acquireTimeout: 50 });
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
    expect(await valueOf(pool, '@@SESSION.tx_isolation')).toBe('REPEATABLE-READ');
    expect(pool.stats()).toMatchObject({ resets: 0, opened: 1 });
  });

  it.each(['auto', 'never'] as const)(
    'is nobody else’s when the transaction was given up before it had begun: hygiene %s',
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

/** `ok`, or the code of the error. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'ok',
    ({ code }: { code: string }) => code,
  );
}

describe('a nested transaction', () => {
  it('is undone alone when it throws, and the outer one goes on', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const thrown = new OutOfStock();
    await ledger.pool.transaction(async (tx) => {
      await tx.query(INSERT, [1, 'outer']);
      const error = await errorOf(
        tx.transaction(async (inner) => {
          await inner.query(INSERT, [2, 'inner']);
          throw thrown;
        }),
      );
      expect(error).toBe(thrown);
      expect(await idsSeenBy(tx)).toEqual([1]);
      expect(await tx.transaction(async (inner) => [await inner.query(INSERT, [3, 'inner']), 'result'][1])).toBe('result');
    });
    expect(await ledger.ids()).toEqual([1, 3]);
  });

  it('is undone with the outer one when that throws', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    await errorOf(
      ledger.pool.transaction(async (tx) => {
        await tx.transaction(async (inner) => await inner.query(INSERT, [1, 'inner']));
        throw new OutOfStock();
      }),
    );
    expect(await ledger.ids()).toEqual([]);
  });

  it('may be nested deeply, and undone at any depth', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const thrown = new OutOfStock();
    await ledger.pool.transaction(async (one) => {
      await one.query(INSERT, [1, '']);
      await one.transaction(async (two) => {
        await two.query(INSERT, [2, '']);
        const error = await errorOf(
          two.transaction(async (three) => {
            await three.query(INSERT, [3, '']);
            await three.transaction(async (four) => await four.query(INSERT, [4, '']));
            throw thrown;
          }),
        );
        expect(error).toBe(thrown);
        await two.transaction(async (three) => await three.query(INSERT, [5, '']));
      });
    });
    expect(await ledger.ids()).toEqual([1, 2, 5]);
  });

  it('that failed on a statement is undone, and the outer one goes on, also after a lock wait timeout', async () => {
    await using ledger = await openLedger({
      connectionLimit: 1,
      onConnect: async (connection) => void (await connection.query('SET SESSION innodb_lock_wait_timeout = 1')),
    });
    await ledger.database.admin('INSERT INTO ledger VALUES (1, "locked")');
    await using other = await ledger.database.connectAsAdmin();
    await other.query('START TRANSACTION');
    await other.query(UPDATE, ['theirs', 1]);
    for (const [id, statement, errno] of [
      [10, 'INSERT INTO ledger VALUES (10, "twice")', 1062],
      [20, 'UPDATE ledger SET note = "ours" WHERE id = 1', 1205],
      [30, "SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 8022", 8022],
      [40, 'SELECT missing FROM ledger', 1054],
    ] as const) {
      await ledger.pool.transaction(async (tx) => {
        await tx.query(INSERT, [id + 1, 'outer']);
        const error = await errorOf(
          tx.transaction(async (inner) => {
            await inner.query(INSERT, [id, 'inner']);
            await inner.query(statement);
          }),
        );
        expect(error).toMatchObject({ errno });
        await tx.query(INSERT, [id + 2, 'outer']);
      });
    }
    expect(await ledger.ids()).toEqual([1, 11, 12, 21, 22, 31, 32, 41, 42]);
    expect(ledger.pool.stats()).toMatchObject({ retries: 0, used: 0 });
  });

  it('that took the outer one with it, by a commit or a rollback of its own, fails the outer one', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const error = await errorOf(
      ledger.pool.transaction(async (tx) => {
        await tx.query(INSERT, [1, 'outer']);
        await tx.transaction(async (inner) => {
          await inner.query(INSERT, [2, 'inner']);
          await inner.query('ROLLBACK');
        });
      }),
    );
    expect(error).toMatchObject({ errno: 1305 });
    expect(await ledger.ids()).toEqual([]);
  });

  it('is refused while another is under way that it is not inside of: it would be undone with that one, unnoticed', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const { pool } = ledger;
    const outcomes = await pool.transaction(async (tx) => {
      let letGo = (): void => undefined;
      const held = new Promise<void>((resolve) => (letGo = resolve));
      const first = codeOf(
        tx.transaction(async (inner) => {
          await inner.query(INSERT, [1, 'undone']);
          await held;
          throw Object.assign(new Error('changed its mind'), { code: 'CHANGED' });
        }),
      );
      const second = codeOf(tx.transaction(async (inner) => void (await inner.query(INSERT, [2, 'beside']))));
      const third = codeOf(tx.query(INSERT, [3, 'beside']));
      const fourth = codeOf(tx.execute(INSERT, [4, 'beside']));
      const told = await Promise.all([second, third, fourth]);
      letGo();
      told.push(await first);
      await tx.query(INSERT, [5, 'afterwards']);
      await tx.transaction(async (inner) => void (await inner.query(INSERT, [6, 'afterwards'])));
      return told;
    });
    expect(outcomes).toEqual(['POOL_TRANSACTION_OVERLAP', 'POOL_TRANSACTION_OVERLAP', 'POOL_TRANSACTION_OVERLAP', 'CHANGED']);
    expect(await ledger.ids()).toEqual([5, 6]);
  });

  it('that overlaps with another fails the outer one that awaits both', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const error = await errorOf(
      ledger.pool.transaction(async (tx) => {
        await Promise.all(
          [1, 2].map((id) =>
            tx.transaction(async (inner) => {
              await inner.query(INSERT, [id, 'inner']);
              await inner.query('SELECT 1');
            }),
          ),
        );
      }),
    );
    expect(error).toMatchObject({ code: 'POOL_TRANSACTION_OVERLAP' });
    expect(await ledger.ids()).toEqual([]);
  });

  it('is not taken for another one inside a nested transaction of another pool', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    await using other = await openLedger({ connectionLimit: 1 });
    await ledger.pool.transaction(async (tx) => {
      await tx.transaction(async () => {
        await other.pool.transaction(async (theirs) => {
          await theirs.transaction(async () => void (await tx.query(INSERT, [1, 'ours'])));
        });
      });
    });
    expect(await ledger.ids()).toEqual([1]);
  });

  it('that is still under way when the outer function ends has all of it rolled back, not a part committed', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    let inner: Promise<string> | undefined;
    const outcome = await codeOf(
      ledger.pool.transaction(async (tx) => {
        await new Promise<void>((halfway) => {
          inner = codeOf(
            tx.transaction(async (nested) => {
              await nested.query(INSERT, [1, 'first half']);
              halfway();
              await new Promise((resolve) => setImmediate(resolve));
              await nested.query(INSERT, [2, 'second half']);
            }),
          );
        });
      }),
    );
    expect([outcome, await inner]).toEqual(['POOL_TRANSACTION_OVERLAP', 'POOL_RELEASED']);
    expect(await ledger.ids()).toEqual([]);
    expect(await valueOf(ledger.pool, '1')).toBe(1);
  });

  it('may use the outer one’s tx, which is the same, at any depth', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    await ledger.pool.transaction(async (tx) => {
      await tx.transaction(async () => {
        await tx.query(INSERT, [1, 'in the first']);
        await Promise.all([tx.query(INSERT, [2, 'beside']), tx.execute(INSERT, [3, 'beside'])]);
        await tx.transaction(async () => void (await tx.query(INSERT, [4, 'in the second'])));
      });
    });
    expect(await ledger.ids()).toEqual([1, 2, 3, 4]);
  });
});

describe('many transactions at once', () => {
  it('move money about without losing any (I9, I12)', async () => {
    // So much contention is meant: the budget is for the load that nobody has asked for.
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
