import { describe, expect, it } from 'vitest';
import type { StatementHandler } from '../../support/network/statement-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { INSERT, type LedgerBehindProxy, openLedger, openLedgerBehindProxy } from '../support/ledger.js';
import { errorOf, imbalanceOf, valueOf } from '../../support/pool-on-database.js';

/** A moment that comes when the test says so. */
interface Moment {
  readonly come: Promise<void>;
  now(): void;
}

function moment(): Moment {
  let now = (): void => undefined;
  const come = new Promise<void>((resolve) => {
    now = resolve;
  });
  return { come, now: () => now() };
}

/** What the network does to the first COMMIT, whether the server has it then, and how. */
const deaths: Readonly<Record<string, { readonly applied: boolean; readonly onCommit: StatementHandler }>> = {
  'before COMMIT has reached the server': {
    applied: false,
    onCommit: ({ link }) => link.reset(),
  },
  'after the server has committed, and before its answer has arrived': {
    applied: true,
    onCommit: ({ link }) => {
      link.loseAnswers();
      setTimeout(() => link.reset(), 100);
    },
  },
};

/** Does something to COMMIT, the first time. */
function onFirstCommit(handler: StatementHandler): StatementHandler {
  let seen = 0;
  return async (statement) => {
    if (statement.sql !== 'COMMIT') return;
    seen += 1;
    if (seen === 1) await handler(statement);
  };
}

async function insertInTransaction(ledger: LedgerBehindProxy, options: object = {}): Promise<number> {
  let runs = 0;
  await ledger.pool.transaction(async (tx) => {
    runs += 1;
    await tx.query(INSERT, [runs, 'run']);
  }, options);
  return runs;
}

describe('I9: when the connection dies during COMMIT', () => {
  it.each(Object.keys(deaths))('%s, the outcome is reported as unknown, and nothing is run again', async (name) => {
    const death = deaths[name];
    if (death === undefined) throw new Error(name);
    await using ledger = await openLedgerBehindProxy(onFirstCommit(death.onCommit), { connectionLimit: 1 });
    const error = await errorOf(insertInTransaction(ledger));
    expect(error).toMatchObject({ name: 'PoolError', code: 'POOL_COMMIT_UNKNOWN' });
    expect((error.cause as { code?: string }).code).toMatch(/^(POOL_CONNECTION_LOST|ECONNRESET|PROTOCOL_CONNECTION_LOST)$/);
    await waitFor('the server to be done with it', async () => (await ledger.database.serverConnections()) === 0);
    expect(await ledger.ids()).toEqual(death.applied ? [1] : []);
    await ledger.expectNoLocks();
    expect(ledger.pool.stats()).toMatchObject({ retries: 0, used: 0 });
    expect(await valueOf(ledger.pool, '1')).toBe(1);
    expect(imbalanceOf(ledger.pool.stats())).toEqual([]);
  });

  it.each(Object.keys(deaths))('%s, a transaction that only read has its answer anyway', async (name) => {
    const death = deaths[name];
    if (death === undefined) throw new Error(name);
    await using ledger = await openLedgerBehindProxy(onFirstCommit(death.onCommit), { connectionLimit: 1 });
    const answer = ledger.pool.transaction(async (tx) => await tx.query('SELECT 7 AS n'), { readOnly: true });
    expect((await answer)[0]).toEqual([{ n: 7 }]);
    expect(ledger.pool.stats()).toMatchObject({ retries: 0, used: 0 });
    expect(await valueOf(ledger.pool, '1')).toBe(1);
  });

  it('an error of the server, which refuses COMMIT, is thrown as it is, and all is rolled back', async () => {
    await using ledger = await openLedgerBehindProxy(
      onFirstCommit(({ replace }) => replace('aaaaaa')),
      { connectionLimit: 1 },
    );
    expect(await errorOf(insertInTransaction(ledger))).toMatchObject({ errno: 1064 });
    expect(await ledger.ids()).toEqual([]);
    await ledger.expectNoLocks();
    expect(ledger.pool.stats()).toMatchObject({ opened: 1, closed: 0 });
  });
});

describe('when the connection was lost before COMMIT', () => {
  it('and its function has not noticed, or not minded, the transaction is known to be rolled back', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const { pool, database } = ledger;
    for (const mind of [async () => undefined, async (query: Promise<unknown>) => void (await query.catch(() => undefined))]) {
      const lost = new Promise<void>((resolve) => {
        const stop = pool.watch('failed', () => {
          stop();
          resolve();
        });
      });
      const error = await errorOf(
        pool.transaction(async (tx) => {
          await tx.query(INSERT, [1, 'lost']);
          await database.killConnections();
          await lost;
          const late = tx.query(INSERT, [2, 'late']);
          late.catch(() => undefined);
          await mind(late);
        }),
      );
      expect(error).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
      expect(await ledger.ids()).toEqual([]);
    }
    expect(pool.stats()).toMatchObject({ used: 0, retries: 0 });
  });

  it('because the pool was ended, that is said', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const { pool } = ledger;
    const error = await errorOf(
      pool.transaction(async (tx) => {
        await tx.query(INSERT, [1, 'lost']);
        await pool.end();
      }),
    );
    expect(error).toMatchObject({ code: 'POOL_CLOSED' });
    expect(await ledger.ids()).toEqual([]);
  });
});

describe('a deadline that passes during COMMIT', () => {
  it('is kept: the outcome is unknown then, and the late answer changes nothing', async () => {
    const answer = moment();
    await using ledger = await openLedgerBehindProxy(
      onFirstCommit(({ link }) => link.holdAnswers(answer.come)),
      { connectionLimit: 1 },
    );
    const startedAt = performance.now();
    const error = await errorOf(insertInTransaction(ledger, { timeout: 300 }));
    expect(error).toMatchObject({ code: 'POOL_COMMIT_UNKNOWN' });
    expect(performance.now() - startedAt).toBeGreaterThan(299);
    answer.now();
    expect(await ledger.ids()).toEqual([1]);
    expect(await valueOf(ledger.pool, '1')).toBe(1);
    expect(ledger.pool.stats()).toMatchObject({ used: 0, retries: 0 });
    expect(ledger.pool.stats().closedByReason.destroyed).toBe(1);
  });
});

describe('an abort during COMMIT', () => {
  it('takes nothing back: the answer is awaited, and the result is the truth', async () => {
    const sent = moment();
    const answer = moment();
    await using ledger = await openLedgerBehindProxy(
      onFirstCommit(({ link }) => {
        link.holdAnswers(answer.come);
        sent.now();
      }),
      { connectionLimit: 1 },
    );
    const abort = new AbortController();
    const outcome = insertInTransaction(ledger, { signal: abort.signal });
    await sent.come;
    abort.abort();
    await waitFor('the commit', async () => (await ledger.ids()).length === 1);
    answer.now();
    expect(await outcome).toBe(1);
    expect(ledger.pool.stats()).toMatchObject({ used: 0, opened: 1, kills: 0 });
  });

  it('is awaited as long as a validation may take, then the outcome is unknown', async () => {
    const sent = moment();
    await using ledger = await openLedgerBehindProxy(
      onFirstCommit(({ link }) => {
        link.loseAnswers();
        sent.now();
      }),
      { connectionLimit: 1, validationTimeout: 200 },
    );
    const abort = new AbortController();
    const outcome = errorOf(insertInTransaction(ledger, { signal: abort.signal }));
    await sent.come;
    abort.abort();
    expect(await outcome).toMatchObject({ code: 'POOL_COMMIT_UNKNOWN' });
    expect(await valueOf(ledger.pool, '1')).toBe(1);
  });

  it('before COMMIT was sent, in the tick in which its function ends, rolls back', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const abort = new AbortController();
    const error = await errorOf(
      ledger.pool.transaction(
        async (tx) => {
          await tx.query(INSERT, [1, 'given up']);
          abort.abort();
        },
        { signal: abort.signal },
      ),
    );
    expect(error).toMatchObject({ code: 'POOL_ABORTED' });
    await waitFor('the rollback', () => ledger.pool.summary().used === 0);
    await ledger.expectNoLocks();
    expect(await ledger.ids()).toEqual([]);
  });
});

describe('a COMMIT that the server refuses with an error that asks for another try', () => {
  it('has the whole function run again: TiDB finds write conflicts then', async () => {
    // As long as COMMIT, and it fails: a procedure of the test raises the error.
    await using ledger = await openLedgerBehindProxy(
      onFirstCommit(({ replace }) => replace('CALL c')),
      { connectionLimit: 1 },
    );
    await ledger.database.admin("CREATE PROCEDURE c() SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 9007");
    expect(await insertInTransaction(ledger)).toBe(2);
    expect(await ledger.ids()).toEqual([2]);
    expect(ledger.pool.stats().retries).toBe(1);
  });

  it('or with "shutdown in progress", leaves the outcome unknown: the server may have committed before it said so', async () => {
    await using ledger = await openLedgerBehindProxy(
      onFirstCommit(({ replace }) => replace('CALL c')),
      { connectionLimit: 1 },
    );
    await ledger.database.admin("CREATE PROCEDURE c() SIGNAL SQLSTATE '08S01' SET MYSQL_ERRNO = 1053");
    expect(await errorOf(insertInTransaction(ledger))).toMatchObject({ code: 'POOL_COMMIT_UNKNOWN', cause: { errno: 1053 } });
    expect(await valueOf(ledger.pool, '1')).toBe(1);
  });
});
