import { AsyncLocalStorage } from 'node:async_hooks';
import { afterAll, describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { createPool as createDropIn } from '../../../src/mirror/promise.js';
import type { AcquireInfo, ReleaseInfo } from '../../../src/mysql/contract/borrow-hooks.js';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import { poolOf, valueOf } from '../../support/pool-on-database.js';
import { createDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';

const database = await createDatabase();
afterAll(() => database[Symbol.asyncDispose]());

function onePool(options: PoolOptions = {}) {
  return poolOf(database, { connectionLimit: 1, ...options });
}

async function refusalOf(work: Promise<unknown>): Promise<PoolError> {
  const error = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(PoolError);
  return error as PoolError;
}

const never = (): Promise<void> => new Promise(() => undefined);

describe('onAcquire', () => {
  it('runs before each borrower gets the connection, at every door, and learns for whom', async () => {
    const infos: AcquireInfo[] = [];
    const tenant = new AsyncLocalStorage<string>();
    await using pool = onePool({
      name: 'shop',
      onAcquire: async (connection, info) => {
        infos.push(info);
        await connection.query('SET @tenant = ?', [tenant.getStore() ?? 'none']);
      },
    });
    const read = (): Promise<unknown> => valueOf(pool, '@tenant');
    expect(await tenant.run('one', read)).toBe('one');
    await using connection = await tenant.run('two', () => pool.getConnection({ session: { time_zone: '+02:00' } }));
    expect(await valueOf(connection, '@tenant')).toBe('two');
    const others = [tenant.run('three', () => pool.transaction((tx) => valueOf(tx as never, '@tenant'))), tenant.run('four', read)];
    connection.release();
    expect(await Promise.all(others)).toEqual(['three', 'four']);
    const called = await new Promise((resolve) => pool.pool.query('SELECT 5 AS value', (_error, rows) => resolve(rows)));
    expect(called).toEqual([{ value: 5 }]);
    expect(infos[0]).toEqual({ pool: 'shop', isNew: true, use: 1, session: undefined });
    expect(infos[1]).toEqual({ pool: 'shop', isNew: false, use: 2, session: { time_zone: '+02:00' } });
    expect(infos).toHaveLength(5);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('no tenant')), 'no tenant'],
    [
      'throws at once',
      () => {
        throw new Error('no tenant at all');
      },
      'no tenant at all',
    ],
    ['throws what is no error', () => Promise.reject('nothing'), 'onAcquire'],
    ['returns false', () => false, 'refused'],
    ['destroys it', (connection: { destroy(): void }) => connection.destroy(), 'refused'],
  ] as const)('fails that acquire and closes the connection when it %s', async (_how, onAcquire, said) => {
    let failing = true;
    await using pool = onePool({ onAcquire: (connection) => (failing ? onAcquire(connection) : undefined) });
    for (const work of [pool.getConnection(), pool.query('DO 0'), pool.transaction(() => Promise.resolve())]) {
      const refusal = await refusalOf(work);
      expect(refusal.code).toBe('POOL_HOOK_FAILED');
      expect(refusal.message).toContain(said);
    }
    failing = false;
    expect(await valueOf(pool, '1')).toBe(1);
    await waitFor('the closed ones to be counted', () => pool.stats().closedByReason.hook === 3);
    expect(pool.stats()).toMatchObject({ refused: 3, used: 0, idle: 1 });
  });

  it('cannot give the connection to another: its release does nothing, and its connection ends with it', async () => {
    const kept: { query(sql: string): Promise<unknown>; release(): void; connection: { release(): void } }[] = [];
    await using pool = onePool({
      onAcquire: (connection) => {
        kept.push(connection as never);
        connection.release();
        (connection as unknown as { connection: { release(): void } }).connection.release();
      },
    });
    const borrowed = await pool.getConnection();
    expect(pool.stats()).toMatchObject({ used: 1, idle: 0 });
    kept[0]?.release();
    kept[0]?.connection.release();
    expect(await refusalOf(kept[0]?.query('SELECT 1') as Promise<unknown>)).toMatchObject({ code: 'POOL_RELEASED' });
    expect(await valueOf(borrowed, '2')).toBe(2);
    expect(pool.stats()).toMatchObject({ used: 1, idle: 0 });
    borrowed.release();
  });

  it('that never settles is bounded by the wait of its caller, its signal, and hookTimeout', async () => {
    await using pool = onePool({ onAcquire: never, acquireTimeout: 60_000 });
    expect((await refusalOf(pool.getConnection({ timeout: 30 }))).code).toBe('POOL_ACQUIRE_TIMEOUT');
    expect((await refusalOf(pool.getConnection({ signal: AbortSignal.timeout(30) }))).code).toBe('POOL_ABORTED');
    expect((await refusalOf(pool.query({ sql: 'DO 0', timeout: 30 }))).code).toBe('POOL_ACQUIRE_TIMEOUT');
    await using patient = onePool({ onAcquire: never, acquireTimeout: 0, hookTimeout: 30 });
    expect(await refusalOf(patient.query('DO 0'))).toMatchObject({ code: 'POOL_HOOK_FAILED' });
  });

  it('that stands in a drain is waited for, and cut off at its deadline', async () => {
    const gate: { open?: () => void } = {};
    const onAcquire = (): Promise<void> => new Promise((resolve) => void (gate.open = resolve));
    const pool = onePool({ onAcquire });
    const answer = valueOf(pool, '7');
    await waitFor('the hook to run', () => gate.open !== undefined);
    const drained = pool.drain();
    gate.open?.();
    expect([await answer, (await drained).complete]).toEqual([7, true]);
    const other = onePool({ onAcquire: never });
    const refused = refusalOf(other.getConnection());
    await waitFor('the hook to run', () => other.stats().checking === 1);
    await other.drain({ timeout: 20 });
    expect((await refused).code).toBe('POOL_DRAINING');
    const third = onePool({ onAcquire: never });
    const closed = refusalOf(third.getConnection());
    await waitFor('the hook to run', () => third.stats().checking === 1);
    await third.end();
    expect((await closed).code).toBe('POOL_CLOSED');
  });

  it('fails its acquire when the connection is killed under it', async () => {
    await using admin = onePool();
    await using pool = onePool({
      onAcquire: async (connection, { use }) => void (use === 2 && (await connection.query('SELECT SLEEP(60)'))),
    });
    const first = await pool.getConnection();
    const { threadId } = first;
    first.release();
    const second = refusalOf(pool.getConnection());
    await waitFor('the hook to run', () => pool.stats().checking === 1);
    await admin.query(`KILL ${threadId}`);
    expect((await second).code).toBe('POOL_HOOK_FAILED');
    expect(await valueOf(pool, '1')).toBe(1);
  });

  it('runs in the pool of the drop-in, too', async () => {
    let runs = 0;
    const options = { ...database.connection, onAcquire: () => void (runs += 1) };
    const pool = createDropIn(options as never);
    await pool.query('DO 0');
    (await pool.getConnection()).release();
    await pool.end();
    expect(runs).toBe(2);
  });
});

describe('onRelease', () => {
  it('runs before the session is cleaned and before another borrower, whose session has no trace of it', async () => {
    const infos: ReleaseInfo[] = [];
    const seen: unknown[] = [];
    await using pool = onePool({
      name: 'shop',
      onRelease: async (connection, info) => {
        infos.push(info);
        seen.push(await valueOf(connection, '@left'));
        await connection.query('SET @hook = 1');
      },
    });
    const connection = await pool.getConnection({ session: { time_zone: '+02:00' } });
    await connection.query('SET @left = 3');
    await connection.beginTransaction();
    await connection.query('SELECT 1 FROM information_schema.tables LIMIT 1');
    connection.release();
    expect([await valueOf(pool, '@left'), await valueOf(pool, '@hook')]).toEqual([null, null]);
    expect(seen[0]).toBe(3);
    expect(infos[0]).toEqual({ pool: 'shop', inTransaction: true, session: { time_zone: '+02:00' } });
    expect(pool.stats().opened).toBe(1);
  });

  it.each([
    ['returns false', () => false, 'refused'],
    ['throws', () => Promise.reject(new Error('audit is down')), 'audit is down'],
    ['destroys it', (connection: { destroy(): void }) => connection.destroy(), 'refused'],
    ['never settles', never, '40 ms'],
  ] as const)('has the connection closed when it %s, and the next borrower gets another', async (_how, onRelease, said) => {
    await using pool = onePool({ onRelease, hookTimeout: 40 });
    const closed: { reason: string; error?: unknown }[] = [];
    pool.watch('closed', (detail) => void closed.push(detail));
    const first = await pool.getConnection();
    first.release();
    await using second = await pool.getConnection();
    expect(second.threadId).not.toBe(first.threadId);
    expect(closed).toMatchObject([{ reason: 'hook', error: { message: expect.stringContaining(said) as string } }]);
  });

  it('runs for statements and transactions, waits for what was left running, and not for what is closed anyway', async () => {
    let runs = 0;
    await using pool = onePool({ onRelease: () => void (runs += 1), maxUses: 3 });
    await pool.query('DO 0');
    const connection = await pool.getConnection();
    const slept = connection.query('SELECT SLEEP(0.05)');
    connection.release();
    await pool.transaction(() => Promise.resolve());
    await slept;
    await waitFor('the connection to be retired', () => pool.stats().closedByReason.uses === 1);
    expect(runs).toBe(2);
  });
});

describe("leakAction: 'reclaim'", () => {
  const reclaiming = { leakDetectionThreshold: 60, leakAction: 'reclaim' } as const;

  it('takes back a connection that is not used, says where it was borrowed, and serves the next waiter', async () => {
    await using pool = onePool(reclaiming);
    const stacks: (string | undefined)[] = [];
    pool.watch('leak', ({ stack }) => void stacks.push(stack));
    const lost = await pool.getConnection();
    await lost.beginTransaction();
    const raw = lost.connection;
    expect(await valueOf(pool, '1')).toBe(1);
    expect(stacks[0]).toContain('borrow-hooks.test.ts');
    expect(pool.stats()).toMatchObject({ leaks: 1, closedByReason: { reclaimed: 1 } });
    expect(await refusalOf(lost.query('SELECT 1'))).toMatchObject({ code: 'POOL_RECLAIMED' });
    expect(await refusalOf(lost.commit())).toMatchObject({ code: 'POOL_RECLAIMED' });
    const called = await new Promise((resolve) =>
      (raw as unknown as { query(sql: string, done: (error: unknown) => void): void }).query('DO 0', resolve),
    );
    expect(called).toMatchObject({ code: 'POOL_RECLAIMED' });
    lost.release();
    lost.destroy();
    expect(pool.stats()).toMatchObject({ used: 0, idle: 1 });
  });

  it('never takes one back under a statement that runs, nor soon after it', async () => {
    await using pool = onePool({ ...reclaiming, leakDetectionThreshold: 400 });
    const connection = await pool.getConnection();
    const longUse = new Promise((resolve) => void pool.watch('longUse', resolve));
    const slept = connection.query('SELECT SLEEP(1.5) AS slept');
    await longUse;
    expect((await slept)[0]).toEqual([{ slept: 0 }]);
    expect(await valueOf(connection, '1')).toBe(1);
    connection.release();
    expect(pool.stats().closedByReason.reclaimed).toBe(0);
  });

  it('ends a transaction whose work hangs: nothing is committed, and its statements say why', async () => {
    await using pool = onePool(reclaiming);
    await pool.query('CREATE TABLE held (id INT PRIMARY KEY)');
    let runs = 0;
    const hanging = refusalOf(
      pool.transaction(async (tx) => {
        runs += 1;
        await tx.query('INSERT INTO held VALUES (1)');
        await waitFor('the pool to take it back', () => pool.stats().closedByReason.reclaimed === 1);
        await tx.query('INSERT INTO held VALUES (2)');
      }),
    );
    expect(await hanging).toMatchObject({ code: 'POOL_RECLAIMED' });
    const commit = refusalOf(
      pool.transaction(async (tx) => {
        await tx.query('INSERT INTO held VALUES (3)');
        await waitFor('the pool to take it back', () => pool.stats().closedByReason.reclaimed === 2);
      }),
    );
    expect(await commit).toMatchObject({ code: 'POOL_RECLAIMED' });
    await waitFor('the server to roll back', async () => (await valueOf(pool, '(SELECT COUNT(*) FROM held)')) === 0);
    expect(runs).toBe(1);
  });

  it('needs a threshold, and is refused by name when it is none', () => {
    expect(() => onePool({ leakAction: 'reclaim' })).toThrow('leakDetectionThreshold');
    expect(() => onePool({ ...reclaiming, leakAction: 'kill' as never })).toThrow("'report'");
  });
});
