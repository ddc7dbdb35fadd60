import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { answerOf, borrow, open, SUBJECTS } from './support/subjects.js';

describe.each(SUBJECTS)('callbacks of $name', (subject) => {
  it('are never called before getConnection has returned', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { callbacks } = fixture;
    const timings: boolean[] = [];
    // The first opens a connection, the second finds it idle, the third waits.
    for (let round = 0; round < 2; round += 1) {
      const { synchronous, results } = await answerOf((done) => callbacks.getConnection(done as never));
      timings.push(synchronous);
      (results[0] as { release(): void }).release();
    }
    const held = await borrow(callbacks);
    const waiting = answerOf((done) => callbacks.getConnection(done as never));
    held.release();
    const { synchronous, results } = await waiting;
    (results[0] as { release(): void }).release();
    expect([...timings, synchronous]).toEqual([false, false, false]);
  });

  it('are never called before query and execute have returned, with rows and fields or with one error', async () => {
    await using fixture = await open(subject);
    const { callbacks } = fixture;
    for (const method of ['query', 'execute'] as const) {
      const run = callbacks[method].bind(callbacks) as (sql: string, ...rest: unknown[]) => unknown;
      const good = await answerOf((done) => run('SELECT ? AS a', [1], done));
      expect(good).toMatchObject({ error: null, results: [[{ a: 1 }], [{ name: 'a' }]], synchronous: false });
      const bad = await answerOf((done) => run('SELECT * FROM missing', done));
      expect(bad).toMatchObject({ error: { errno: 1146, code: 'ER_NO_SUCH_TABLE', sqlState: '42S02' }, synchronous: false });
    }
  });

  it('are called once, even when the statement fails', async () => {
    await using fixture = await open(subject);
    const { callbacks } = fixture;
    let calls = 0;
    for (const sql of ['SELECT 1', 'SELECT * FROM missing', 'SELEC']) {
      await new Promise<void>((resolve) => {
        callbacks.query(sql, () => {
          calls += 1;
          resolve();
        });
      });
      await new Promise<void>((resolve) => {
        callbacks.execute(sql, () => {
          calls += 1;
          resolve();
        });
      });
    }
    await nextTurn();
    expect(calls).toBe(6);
  });

  it('of a pool that was ended are called later, with "Pool is closed."', async () => {
    await using fixture = await open(subject);
    const { callbacks, pool } = fixture;
    await pool.end();
    for (const call of [
      (done: () => void) => callbacks.getConnection(done),
      (done: () => void) => callbacks.query('SELECT 1', done),
      (done: () => void) => callbacks.execute('SELECT 1', done),
    ]) {
      expect(await answerOf(call)).toMatchObject({ error: { message: 'Pool is closed.' }, synchronous: false });
    }
  });

  it('of waiters are called with "Pool is closed." when the pool is ended', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { callbacks, pool } = fixture;
    await borrow(callbacks);
    const waiting = answerOf((done) => callbacks.getConnection(done as never));
    const ended = pool.end();
    expect(await waiting).toMatchObject({ error: { message: 'Pool is closed.' }, synchronous: false });
    await ended;
  });

  it('for waitForConnections: false come later, with "No connections available."', async () => {
    await using fixture = await open(subject, { connectionLimit: 1, waitForConnections: false });
    const { callbacks } = fixture;
    const held = await borrow(callbacks);
    const { error, synchronous } = await answerOf((done) => callbacks.getConnection(done as never));
    expect([error?.message.startsWith('No connections available.'), synchronous]).toEqual([true, false]);
    held.release();
  });

  it('are given the connection with which they may release, destroy and query', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { callbacks } = fixture;
    const connection = await borrow(callbacks);
    expect(await answerOf((done) => connection.query('SELECT 1 AS a', done))).toMatchObject({ error: null, results: [[{ a: 1 }], {}] });
    connection.release();
    connection.release();
    const again = await borrow(callbacks);
    expect(again).toBe(connection);
    again.destroy();
    const other = await borrow(callbacks);
    expect(other).not.toBe(connection);
    other.release();
  });

  it('end() calls back without an error', async () => {
    await using fixture = await open(subject);
    const { callbacks } = fixture;
    await answerOf((done) => callbacks.query('SELECT 1', done));
    const { error } = await answerOf((done) => callbacks.end(done as never));
    expect(error == null).toBe(true);
  });

  it('run in the caller’s async context when they did not wait', async () => {
    await using fixture = await open(subject);
    const { callbacks } = fixture;
    const storage = new AsyncLocalStorage<string>();
    const found = await storage.run(
      'caller',
      () =>
        new Promise((resolve) =>
          callbacks.getConnection((_, connection) => {
            connection.release();
            resolve(storage.getStore());
          }),
        ),
    );
    expect(found).toBe('caller');
  });
});
