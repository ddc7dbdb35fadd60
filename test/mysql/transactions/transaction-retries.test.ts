import type { Connection } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import type { Transaction } from '../../../src/mysql/transactions/transaction.js';
import { waitFor } from '../../support/wait-for.js';
import { failingWith, INSERT, type Ledger, openLedger, UPDATE } from '../support/ledger.js';
import { errorOf } from '../../support/pool-on-database.js';
import { sequence } from '../../support/sql-servers/sequence.js';
import { lockWaitsStatement, onlyWhere } from '../../support/sql-servers/this-server.js';
import { type DifferenceName } from '../../support/sql-servers/differences.js';

const [LOCKED_BY_US, LOCKED_BY_THEM] = [1, 2];

/** Another session, which makes deadlocks: InnoDB gives way to the session that has written more. */
interface Rival extends AsyncDisposable {
  readonly connection: Connection;
  /** Waits for the line that the transaction has locked. */
  closeTheCircle(): Promise<void>;
  end(): Promise<void>;
}

/** A rival who has locked a line, and written so much that InnoDB rolls the other back. */
async function startRival(ledger: Ledger): Promise<Rival> {
  const connection = await ledger.database.connectAsAdmin();
  await connection.query('START TRANSACTION');
  await connection.query(UPDATE, ['theirs', LOCKED_BY_THEM]);
  await connection.query(`INSERT INTO ledger SELECT 1000 + seq, "weight" FROM ${sequence(200)}`);
  let blocked: Promise<unknown> = Promise.resolve();
  return {
    connection,
    async closeTheCircle() {
      blocked = connection.query(UPDATE, ['theirs', LOCKED_BY_US]);
      blocked.catch(() => undefined);
      const isBlocked = async (): Promise<boolean> => {
        const [waits] = await ledger.database.admin(lockWaitsStatement());
        return Number(waits?.['count']) > 0;
      };
      // InnoDB keeps what it has shown until it was not asked for 100 ms: asked more often, it would show the same to the end.
      await waitFor('the rival to wait', isBlocked, Boolean, { intervalMs: 150 });
    },
    async end() {
      await blocked.catch(() => undefined);
      await connection.query('ROLLBACK');
    },
    async [Symbol.asyncDispose]() {
      await blocked.catch(() => undefined);
      await connection.end();
    },
  };
}

async function openLockedLedger(options: Parameters<typeof openLedger>[0] = {}): Promise<Ledger> {
  const ledger = await openLedger({ connectionLimit: 1, ...options });
  await ledger.database.admin('INSERT INTO ledger VALUES (1, "before"), (2, "before")');
  return ledger;
}

describe('after a deadlock', () => {
  it('the whole function is run again, and nothing of the first run stays', async () => {
    await using ledger = await openLockedLedger();
    await using rival = await startRival(ledger);
    let runs = 0;
    const result = await ledger.pool.transaction(async (tx) => {
      runs += 1;
      if (runs > 1) await rival.end();
      await tx.query(INSERT, [10 + runs, 'run']);
      await tx.query(UPDATE, ['ours', LOCKED_BY_US]);
      if (runs === 1) await rival.closeTheCircle();
      await tx.query(UPDATE, ['ours', LOCKED_BY_THEM]);
      return runs;
    });
    expect(result).toBe(2);
    expect(await ledger.ids()).toEqual([1, 2, 12]);
    expect([await ledger.noteOf(1), await ledger.noteOf(2)]).toEqual(['ours', 'ours']);
    expect(ledger.pool.stats()).toMatchObject({ retries: 1, used: 0, opened: 1 });
  });

  it('it is not run again with maxRetries 0: the error of the server is thrown, with the locks released', async () => {
    await using ledger = await openLockedLedger();
    await using rival = await startRival(ledger);
    let runs = 0;
    const error = await errorOf(
      ledger.pool.transaction(
        async (tx) => {
          runs += 1;
          await tx.query(UPDATE, ['ours', LOCKED_BY_US]);
          await rival.closeTheCircle();
          await tx.query(UPDATE, ['ours', LOCKED_BY_THEM]);
        },
        { maxRetries: 0 },
      ),
    );
    expect(error).toMatchObject({ errno: 1213, code: 'ER_LOCK_DEADLOCK' });
    await rival.end();
    await ledger.expectNoLocks();
    expect(runs).toBe(1);
    expect(ledger.pool.stats()).toMatchObject({ retries: 0, used: 0 });
  });

  /** Each begins after the transaction has written line 10 and locked line 1, and the rival waits for that. */
  const deadlockedWork: Readonly<Record<string, (tx: Transaction) => Promise<unknown>>> = {
    'its function has caught': async (tx) => {
      await tx.query(UPDATE, ['ours', LOCKED_BY_THEM]).catch(() => undefined);
      await tx.query(INSERT, [20, 'after it']).catch(() => undefined);
    },
    'was not awaited': async (tx) => {
      tx.query(UPDATE, ['ours', LOCKED_BY_THEM]).catch(() => undefined);
    },
    'another statement was sent behind': async (tx) => {
      await Promise.allSettled([tx.query(UPDATE, ['ours', LOCKED_BY_THEM]), tx.query(INSERT, [20, 'behind it'])]);
    },
    'a nested transaction has met': async (tx) => {
      await tx.transaction(async (inner) => {
        await inner.query(INSERT, [20, 'inner']);
        await inner.query(UPDATE, ['ours', LOCKED_BY_THEM]);
      });
    },
    'a nested transaction has met, and the outer one has caught': async (tx) => {
      await tx
        .transaction(async (inner) => {
          await inner.query(INSERT, [20, 'inner']);
          await inner.query(UPDATE, ['ours', LOCKED_BY_THEM]);
        })
        .catch(() => undefined);
      await tx.query(INSERT, [21, 'outer']).catch(() => undefined);
    },
    'a nested transaction has caught itself': async (tx) => {
      await tx
        .transaction(async (inner) => {
          await inner.query(UPDATE, ['ours', LOCKED_BY_THEM]).catch(() => undefined);
        })
        .catch(() => undefined);
    },
    'its function has caught, and thrown something else': async (tx) => {
      await tx.query(UPDATE, ['ours', LOCKED_BY_THEM]).catch(() => {
        throw new Error('something else');
      });
    },
  };

  it.each(Object.keys(deadlockedWork))('that %s, no part of it is committed: it is all or nothing', async (name) => {
    await using ledger = await openLockedLedger();
    await using rival = await startRival(ledger);
    let runs = 0;
    const work = async (tx: Transaction): Promise<void> => {
      runs += 1;
      if (runs > 1) await rival.end();
      await tx.query(INSERT, [10, 'ours']);
      await tx.query(UPDATE, ['ours', LOCKED_BY_US]);
      if (runs === 1) await rival.closeTheCircle();
      await deadlockedWork[name]?.(tx);
    };
    const outcome = await ledger.pool.transaction(work).then(
      () => 'committed',
      () => 'failed',
    );
    await rival.end();
    const ids = (await ledger.ids()).filter((id) => id >= 10);
    if (outcome === 'committed') {
      expect([await ledger.noteOf(1), await ledger.noteOf(2)]).toEqual(['ours', 'ours']);
      expect(ids[0]).toBe(10);
      expect(runs).toBe(2);
    } else {
      expect([await ledger.noteOf(1), await ledger.noteOf(2), ids]).toEqual(['before', 'before', []]);
    }
    expect(outcome).toBe(name.endsWith('something else') ? 'failed' : 'committed');
    await ledger.expectNoLocks();
  });
});

describe('after a lock wait timeout', () => {
  const impatient = {
    onConnect: async (connection: { query(sql: string): Promise<unknown> }) =>
      void (await connection.query('SET SESSION innodb_lock_wait_timeout = 1')),
  };

  it('the whole function is run again', async () => {
    await using ledger = await openLockedLedger(impatient);
    await using other = await ledger.database.connectAsAdmin();
    await other.query('START TRANSACTION');
    await other.query(UPDATE, ['theirs', 2]);
    let runs = 0;
    await ledger.pool.transaction(async (tx) => {
      runs += 1;
      await tx.query(INSERT, [10 + runs, 'run']);
      await tx.query(UPDATE, ['ours', 2]).catch(async (error: unknown) => {
        expect(error).toMatchObject({ errno: 1205 });
        await other.query('COMMIT');
        throw error;
      });
    });
    expect(runs).toBe(2);
    expect(await ledger.ids()).toEqual([1, 2, 12]);
    expect(await ledger.noteOf(2)).toBe('ours');
  });

  it('that its function has dealt with, the transaction continues, because only the statement was undone', async () => {
    await using ledger = await openLockedLedger(impatient);
    await using other = await ledger.database.connectAsAdmin();
    await other.query('START TRANSACTION');
    await other.query(UPDATE, ['theirs', 2]);
    await ledger.pool.transaction(async (tx) => {
      await tx.query(INSERT, [10, 'before it']);
      expect(await errorOf(tx.query(UPDATE, ['ours', 2]))).toMatchObject({ errno: 1205 });
      await tx.query(INSERT, [11, 'after it']);
    });
    expect(await ledger.ids()).toEqual([1, 2, 10, 11]);
    expect(ledger.pool.stats().retries).toBe(0);
  });
});

describe('the errors of TiDB that ask for another try', () => {
  it.each([8002, 8022, 8028, 9007])('have the whole function run again: %i', async (errno) => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    let runs = 0;
    await ledger.pool.transaction(async (tx) => {
      runs += 1;
      await tx.query(INSERT, [runs, 'run']);
      if (runs < 4) await tx.query(failingWith(errno));
    });
    expect([runs, await ledger.ids()]).toEqual([4, [4]]);
    expect(ledger.pool.stats()).toMatchObject({ retries: 3, opened: 1 });
  });

  it('are thrown when the retries are used up: four runs by default', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    let runs = 0;
    const work = async (tx: Transaction): Promise<void> => {
      runs += 1;
      await tx.query(failingWith(9007));
    };
    expect(await errorOf(ledger.pool.transaction(work))).toMatchObject({ errno: 9007 });
    expect(runs).toBe(4);
    expect(await errorOf(ledger.pool.transaction(work, { maxRetries: 6 }))).toMatchObject({ errno: 9007 });
    expect(runs).toBe(11);
  });

  it.each([8005, 9001, 9005, 1105, 1064, 1062])('are not confused with others, which are thrown at once: %i', async (errno) => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    let runs = 0;
    const error = await errorOf(
      ledger.pool.transaction(async (tx) => {
        runs += 1;
        await tx.query(failingWith(errno));
      }),
    );
    expect(error).toMatchObject({ errno });
    expect(runs).toBe(1);
  });
});

describe('a retry', () => {
  /** What may have been committed must not be done twice. */
  const committing: Readonly<Record<string, readonly string[]>> = {
    'COMMIT by its function': ['COMMIT'],
    'a commit in lower case and a comment': ['/* why */ commit work'],
    'a commit in a comment that the server executes': ['/*!40000 COMMIT */'],
    'DDL, which commits': ['CREATE TABLE made_here (id INT)'],
    'DDL in a comment that the server executes': ['/*!40000 CREATE TABLE made_here (id INT) */'],
    TRUNCATE: ['TRUNCATE TABLE nothing'],
    'SET autocommit': ['SET autocommit = 1'],
    'a new transaction': ['BEGIN'],
    'LOCK TABLES': ['LOCK TABLES ledger WRITE', 'UNLOCK TABLES'],
    'a procedure': ['CALL commits()'],
    'a compound statement': ['BEGIN NOT ATOMIC COMMIT; END'],
    'a condition': ['IF 1 THEN COMMIT; END IF'],
    'a loop': ['FOR i IN 1..1 DO COMMIT; END FOR'],
    'a commit behind a semicolon': ['SELECT 1; COMMIT'],
    'DDL behind a semicolon': ['SELECT 1; CREATE TABLE made_here (id INT)'],
    'a commit behind a semicolon and a comment': ['SELECT 1; /* ; */ COMMIT'],
    'immediate execution': ["EXECUTE IMMEDIATE 'COMMIT'"],
    'a prepared commit': ["PREPARE done FROM 'COMMIT'", 'EXECUTE done'],
  };
  /** Statements that some servers do not know. */
  const needs: Readonly<Record<string, DifferenceName>> = {
    'a compound statement': 'compoundStatements',
    'a condition': 'compoundStatements',
    'a loop': 'compoundStatements',
    'immediate execution': 'executesImmediately',
  };

  it.for(Object.keys(committing))('is not made after %s: nothing is applied twice (I9)', async (name, context) => {
    onlyWhere(context, needs[name]);
    await using ledger = await openLedger({ connectionLimit: 1, multipleStatements: true });
    await ledger.database.admin('CREATE TABLE nothing (id INT)');
    await ledger.database.admin('CREATE PROCEDURE commits() COMMIT');
    await ledger.database.admin('CREATE TABLE sums (total INT)');
    await ledger.database.admin('INSERT INTO sums VALUES (0)');
    let runs = 0;
    const error = await errorOf(
      ledger.pool.transaction(async (tx) => {
        runs += 1;
        await tx.query('UPDATE sums SET total = total + 1');
        for (const statement of committing[name] ?? []) await tx.query(statement);
        await tx.query(failingWith(1213));
      }),
    );
    expect(error).toMatchObject({ errno: 1213 });
    expect(runs).toBe(1);
    const [row] = await ledger.database.admin('SELECT total FROM sums');
    expect(row).toEqual({ total: name === 'SET autocommit' ? 0 : 1 });
  });

  it.each([
    'INSERT INTO ledger VALUES (7, "a; b")',
    'SELECT "COMMIT"',
    'SAVEPOINT mine',
    'WITH one AS (SELECT 1) SELECT * FROM one',
    '(SELECT 1)',
  ])('is made after statements that commit nothing: %s', async (statement) => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    let runs = 0;
    await ledger.pool.transaction(async (tx) => {
      runs += 1;
      await tx.query(statement);
      if (runs === 1) await tx.query(failingWith(1213));
    });
    expect(runs).toBe(2);
  });

  it('waits a little longer each time, and not for a long time: a deadline and a signal end the wait', async () => {
    await using ledger = await openLedger({ connectionLimit: 1, retries: { budgetMinimum: 1_000_000 } });
    const work = async (tx: Transaction): Promise<void> => void (await tx.query(failingWith(1213)));
    await ledger.pool.query('SELECT 1');
    const startedAt = performance.now();
    expect(await errorOf(ledger.pool.transaction(work, { maxRetries: 1_000_000, timeout: 1_000 }))).toMatchObject({
      code: 'POOL_QUERY_TIMEOUT',
    });
    expect(performance.now() - startedAt).toBeGreaterThan(999);
    const { retries } = ledger.pool.stats();
    expect(retries).toBeGreaterThan(1);
    // Without growing delays it would be hundreds.
    expect(retries).toBeLessThan(100);

    const abort = new AbortController();
    const given = errorOf(ledger.pool.transaction(work, { maxRetries: 1_000_000, signal: abort.signal }));
    await waitFor('more retries', () => ledger.pool.stats().retries > retries + 3);
    abort.abort('enough');
    expect(await given).toMatchObject({ code: 'POOL_ABORTED', cause: 'enough' });
    expect(ledger.pool.summary().waiting).toBe(0);
  });

  it('gives its connection back while it waits', async () => {
    await using ledger = await openLedger({ connectionLimit: 1 });
    const seen: number[] = [];
    let runs = 0;
    const retried = ledger.pool.transaction(
      async (tx) => {
        runs += 1;
        if (runs < 6) await tx.query(failingWith(1213));
      },
      { maxRetries: 10 },
    );
    // eslint-disable-next-line no-unmodified-loop-condition -- the transaction changes it
    while (runs < 6) {
      const [rows] = await ledger.pool.query('SELECT 1 AS one');
      seen.push((rows as { one: number }[])[0]?.one ?? 0);
    }
    await retried;
    expect(seen.length).toBeGreaterThan(0);
  });
});
