import { describe, expect, it } from 'vitest';
import { failingWith, openLedger } from '../support/ledger.js';
import { errorOf } from '../../support/pool-on-database.js';

describe('the budget of the pool', () => {
  const WITHOUT_SHARE = { budget: 0, shortestDelay: 0, longestDelay: 0 };

  it('bounds how often transactions are run again, all of them together; the error of one that was not says so', async () => {
    await using ledger = await openLedger({ connectionLimit: 2, retries: { ...WITHOUT_SHARE, budgetMinimum: 3 } });
    let runs = 0;
    const failing = (): Promise<unknown> =>
      ledger.pool.transaction(async (tx) => {
        runs += 1;
        await tx.query(failingWith(1213));
      });
    // Its own limit, then what is left of the budget, which is nothing.
    const first = await errorOf(failing());
    expect(first).toMatchObject({ errno: 1213 });
    expect(first).not.toHaveProperty('retryRefused');
    expect(await errorOf(failing())).toMatchObject({ errno: 1213, retryRefused: 'over-budget' });
    expect(runs).toBe(4 + 1);
    expect(ledger.pool.stats()).toMatchObject({
      retries: 3,
      transactionRetries: { retried: 3, recovered: 0, exhausted: 1, overBudget: 1 },
      statementRetries: { retried: 0, overBudget: 0 },
    });
  });

  it('is one for transactions and statements', async () => {
    await using ledger = await openLedger({ retries: { ...WITHOUT_SHARE, budgetMinimum: 2 } });
    const { pool } = ledger;
    const statement = { sql: failingWith(1213), idempotent: true };
    expect(await errorOf(pool.query(statement))).toMatchObject({ errno: 1213 });
    expect(await errorOf(pool.transaction((tx) => tx.query(statement)))).toMatchObject({ retryRefused: 'over-budget' });
    expect(await errorOf(pool.query(statement))).toMatchObject({ errno: 1213, retryRefused: 'over-budget' });
    expect(pool.stats()).toMatchObject({
      transactionRetries: { retried: 0, overBudget: 1 },
      statementRetries: { retried: 2, exhausted: 1, overBudget: 1 },
    });
  });

  it('grows with the statements that are run: a tenth of them by default', async () => {
    await using ledger = await openLedger({ retries: { budgetMinimum: 0 } });
    const failingOnce = async (): Promise<void> => {
      let failed = false;
      await ledger.pool.transaction(async (tx) => {
        if (!failed) {
          failed = true;
          await tx.query(failingWith(1213));
        }
      });
    };
    // A tenth of what little there has been.
    await failingOnce();
    expect(await errorOf(failingOnce())).toMatchObject({ errno: 1213, retryRefused: 'over-budget' });
    for (let statement = 0; statement < 20; statement += 1) await ledger.pool.query('SELECT 1');
    await failingOnce();
    expect(ledger.pool.stats().transactionRetries).toEqual({ retried: 2, recovered: 2, exhausted: 0, overBudget: 1 });
  });
});
