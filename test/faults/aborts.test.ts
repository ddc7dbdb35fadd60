import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createLedger, INSERT, ledgerIds } from '../mysql/support/ledger.js';
import { imbalanceOf, openPool, valueOf } from '../support/pool-on-database.js';
import { waitFor } from '../support/wait-for.js';
import { captureUncaught } from '../mysql/support/uncaught.js';
import { expectServedAgain, expectWhole } from './support/fault.js';

const CALLERS = 2_000;
const CALLS_OF_EACH = 6;

/** One call of each is not given up. */
const ABORTS = CALLERS * (CALLS_OF_EACH - 1);

describe('I1, I2, I3, I12: ten thousand aborts at random moments, over 2 000 callers', () => {
  it('lose no connection and no waiter, leave no statement running, and hit no other caller', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 20, acquireTimeout: 0, connectTimeout: 60_000, validationTimeout: 60_000 });
    const { pool, database } = fixture;
    await createLedger(database);
    await Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT SLEEP(1)')));
    const codes: Record<string, number> = {};
    const wrong: unknown[] = [];
    const committed: number[] = [];
    let aborted = 0;
    let late = 0;
    let mostDelayMs = 40;

    const giveUpWithin = (abort: AbortController, mostMs: number): void => {
      const delayMs = Math.random() * mostMs;
      if (delayMs < 1) setImmediate(() => abort.abort());
      else setTimeout(() => abort.abort(), delayMs);
    };
    /** One call with a value of its own. Returns what came of it. */
    const run = async (value: number, abort: AbortController | undefined): Promise<unknown> => {
      const limits = abort === undefined ? {} : { signal: abort.signal };
      const sql = `SELECT ${value} + SLEEP(${value % 3 === 0 ? 0.004 : 0}) AS value`;
      const first = (rows: unknown): unknown => (rows as { value: unknown }[])[0]?.value;
      switch (value % 5) {
        case 0:
          return first((await pool.query({ sql, ...limits }))[0]);
        case 1:
          return first((await pool.execute({ sql: 'SELECT ? + SLEEP(0.001) AS value', ...limits }, [value]))[0]);
        case 2:
          return await pool.transaction(async (tx) => {
            await tx.query(INSERT, [value, 'transaction']);
            return first((await tx.query(sql))[0]);
          }, limits);
        case 3: {
          // Given up while it runs: these are the ones that are killed.
          await using connection = await pool.getConnection();
          if (abort !== undefined) giveUpWithin(abort, 12);
          return first((await connection.query({ sql: `SELECT ${value} + SLEEP(0.006) AS value`, ...limits } as { sql: string }))[0]);
        }
        default: {
          const stream = pool.pool.query({ sql, ...limits } as { sql: string }).stream();
          return first(await stream.toArray());
        }
      }
    };
    const call = async (value: number): Promise<void> => {
      const [caller, turn] = [value % CALLERS, Math.floor(value / CALLERS)];
      // In turn, so that every kind is among those that are not.
      const abort = turn === caller % CALLS_OF_EACH ? undefined : new AbortController();
      if (abort !== undefined) {
        aborted += 1;
        if (value % 5 !== 3) giveUpWithin(abort, mostDelayMs);
      }
      const startedAt = performance.now();
      try {
        const answer = Number(await run(value, abort));
        if (answer !== value) wrong.push({ value, answer });
        codes['ok'] = (codes['ok'] ?? 0) + 1;
        if (value % 5 === 2) committed.push(value);
        // So that aborts meet calls in every stage, even when they are over, however fast the machine is.
        if (abort === undefined) mostDelayMs = 1.5 * (performance.now() - startedAt);
        else late += 1;
      } catch (error) {
        const { code = String(error) } = error as { code?: string };
        codes[code] = (codes[code] ?? 0) + 1;
        if (abort === undefined || code !== 'POOL_ABORTED') wrong.push({ value, error });
      }
    };

    await Promise.all(
      Array.from({ length: CALLERS }, async (_, caller) => {
        for (let turn = 0; turn < CALLS_OF_EACH; turn += 1) await call(turn * CALLERS + caller);
      }),
    );
    const endedAt = performance.now();
    console.log(`${aborted} aborts: outcomes:`, codes, `too late: ${late}, kills: ${pool.stats().kills}`);
    expect(aborted).toBe(ABORTS);
    // Above all no ER_QUERY_INTERRUPTED of a statement that was not aborted, and no answer of another's statement.
    expect(wrong.slice(0, 3).map((one) => inspect(one))).toEqual([]);
    expect(codes['POOL_ABORTED']).toBeGreaterThan(0);
    expect(late).toBeGreaterThan(0);
    expect(pool.stats().kills).toBeGreaterThan(0);

    await waitFor('no statement to run', async () => (await database.processlist()).every(({ command }) => command === 'Sleep'));
    // All or nothing, and the answers that callers got are true.
    expect(await ledgerIds(database)).toEqual(committed.toSorted((a, b) => a - b));
    expect(pool.stats()).toMatchObject({ waiting: 0, timedOut: 0 });
    expect(imbalanceOf(pool.stats())).toEqual([]);
    await expectServedAgain(pool, 'after the aborts', endedAt);
    await expectWhole(fixture);
    expect(await Promise.all(Array.from({ length: 20 }, (_, index) => valueOf(pool, String(index))))).toHaveLength(20);
    expect(uncaught.errors).toEqual([]);
  });
});
