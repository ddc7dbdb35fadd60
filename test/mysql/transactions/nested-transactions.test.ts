import { describe, expect, it } from 'vitest';
import { errorOf, valueOf } from '../../support/pool-on-database.js';
import { idsSeenBy, INSERT, openLedger, UPDATE } from '../support/ledger.js';

class OutOfStock extends Error {}

/** `ok`, or the code of the error. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'ok',
    ({ code }: { code: string }) => code,
  );
}

describe('a nested transaction', () => {
  it('is undone alone when it throws, and the outer one continues', async () => {
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

  it('that failed on a statement is undone, and the outer one continues, even after a lock wait timeout', async () => {
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
