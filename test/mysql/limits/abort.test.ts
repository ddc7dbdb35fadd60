import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.js';
import { borrowByCallback, connectionId, errorOf, imbalanceOf, openPool, valueOf } from '../../support/pool-on-database.js';

/** Longer than any test: a caller that is answered before has not waited for it. */
const SLEEP = 'SELECT SLEEP(1000)';

describe('an AbortSignal', () => {
  it('that has aborted already refuses a statement and an acquire before they begin', async () => {
    await using fixture = await openPool();
    const { pool, database } = fixture;
    const reason = new Error('changed my mind');
    const signal = AbortSignal.abort(reason);
    for (const call of [
      () => pool.query({ sql: 'SELECT 1', signal }),
      () => pool.execute({ sql: 'SELECT 1', signal }),
      () => pool.getConnection({ signal }),
    ]) {
      const error = await errorOf(call());
      expect(error).toMatchObject({ code: 'POOL_ABORTED' });
      expect(error.cause).toBe(reason);
    }
    expect(await database.serverConnections()).toBe(0);
    expect(pool.stats()).toMatchObject({ cancelled: 3, acquired: 0 });
  });

  it('takes a waiter out of the queue; those behind it are served (I3)', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    const abort = new AbortController();
    const cancelled = [
      errorOf(pool.query({ sql: 'SELECT 1', signal: abort.signal })),
      errorOf(pool.getConnection({ signal: abort.signal })),
      errorOf(pool.execute({ sql: 'SELECT 1', signal: abort.signal })),
    ];
    const behind = valueOf(pool, "'served'");
    expect(pool.summary().waiting).toBe(4);
    abort.abort();
    for (const error of await Promise.all(cancelled)) expect(error.code).toBe('POOL_ABORTED');
    expect(pool.summary().waiting).toBe(1);
    held.release();
    expect(await behind).toBe('served');
    expect(pool.stats()).toMatchObject({ cancelled: 3, used: 0, opened: 1 });
  });

  it('I5: does not cancel the opening of a connection, which joins the pool', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const abort = new AbortController();
    const error = errorOf(pool.getConnection({ signal: abort.signal }));
    expect(pool.summary().opening).toBe(1);
    abort.abort();
    expect((await error).code).toBe('POOL_ABORTED');
    await waitFor('the connection', () => pool.summary().idle === 1);
    expect(pool.stats()).toMatchObject({ opened: 1, connectErrors: 0 });
  });

  it.each(['query', 'execute'] as const)(
    'stops a statement that is running, on the server, too, and keeps the connection: %s',
    async (method) => {
      await using fixture = await openPool({ connectionLimit: 1 });
      const { pool, database } = fixture;
      const id = await connectionId(pool);
      const abort = new AbortController();
      const error = errorOf(
        method === 'query' ? pool.query({ sql: SLEEP, signal: abort.signal }) : pool.execute({ sql: SLEEP, signal: abort.signal }),
      );
      await waitFor('the statement to run', async () => (await database.processlist()).some(({ info }) => info === SLEEP));
      abort.abort();
      expect((await error).code).toBe('POOL_ABORTED');
      expect(await connectionId(pool)).toBe(id);
      expect((await database.processlist()).every(({ info }) => info !== SLEEP)).toBe(true);
    },
  );

  it('stops a statement on a borrowed connection; those behind it are not hit', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const connection = await borrowByCallback(pool);
    const abort = new AbortController();
    const run = (sql: string, options: object = {}): Promise<unknown> =>
      new Promise((resolve) => {
        connection.query({ sql, ...options }, (error, rows) => resolve(error ?? rows));
      });
    const first = run(SLEEP, { signal: abort.signal });
    const second = run('SELECT SLEEP(0.05) AS slept');
    await waitFor('the statement to run', async () => (await database.processlist()).some(({ info }) => info === SLEEP));
    abort.abort();
    expect(await first).toMatchObject({ code: 'POOL_ABORTED' });
    expect(await second).toEqual([{ slept: 0 }]);
    connection.release();
  });

  it('that aborts when all is over does nothing', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const abort = new AbortController();
    const { signal } = abort;
    const [rows] = await pool.query({ sql: 'SELECT 1 AS one', signal });
    await errorOf(pool.query({ sql: 'SELECT * FROM missing', signal }));
    const connection = await pool.getConnection({ signal });
    abort.abort();
    expect(rows).toEqual([{ one: 1 }]);
    expect(connection.active).toBe(true);
    expect(await valueOf(connection, '1')).toBe(1);
    connection.release();
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });

  it('that aborts at any moment ends in an answer or in POOL_ABORTED, and the pool stays whole', async () => {
    await using fixture = await openPool({ connectionLimit: 2 });
    const { pool } = fixture;
    const outcomes = new Set<string>();
    // The last one is late for all of them, on a machine however busy.
    for (const delayMs of [0, 0.5, 1, 1.5, 2, 3, 4, 5, 8, 1_000]) {
      const calls = Array.from({ length: 4 }, async (_, index) => {
        const abort = new AbortController();
        const timer = setTimeout(() => abort.abort(), delayMs);
        const sql = index % 2 === 0 ? 'SELECT SLEEP(0.003)' : 'SELECT 1';
        const { signal } = abort;
        const work = index < 2 ? pool.query({ sql, signal }) : pool.execute({ sql, signal });
        outcomes.add(
          await work.then(
            () => 'answer',
            (error: { code: string }) => error.code,
          ),
        );
        clearTimeout(timer);
      });
      await Promise.all(calls);
      expect(imbalanceOf(pool.stats())).toEqual([]);
    }
    expect([...outcomes].toSorted()).toEqual(['POOL_ABORTED', 'answer']);
    expect(await Promise.all([valueOf(pool, '1'), valueOf(pool, '2'), valueOf(pool, '3')])).toEqual([1, 2, 3]);
    expect(pool.stats()).toMatchObject({ used: 0, waiting: 0 });
  });

  it('may serve a thousand statements: no warning, and no listener is left', async () => {
    await using fixture = await openPool({ connectionLimit: 5 });
    const { pool } = fixture;
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on('warning', note);
    const { signal } = new AbortController();
    try {
      await Promise.all(Array.from({ length: 1_000 }, () => pool.query({ sql: 'SELECT 1', signal })));
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          await using connection = await pool.getConnection({ signal });
          await connection.query({ sql: 'SELECT 1', signal } as never);
        }),
      );
      // Warnings are emitted on a later tick.
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('warning', note);
    }
    expect(warnings).toEqual([]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('the timeout of a statement', () => {
  it('stops it on the server, and the connection stays usable', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const id = await connectionId(pool);
    for (const call of [() => pool.query({ sql: SLEEP, timeout: 80 }), () => pool.execute({ sql: SLEEP, timeout: 80 })]) {
      const error = await errorOf(call());
      expect(error.code).toBe('POOL_QUERY_TIMEOUT');
      expect(error.stack).toContain('abort.test.ts');
      expect(await connectionId(pool)).toBe(id);
      expect((await database.processlist()).every(({ info }) => info !== SLEEP)).toBe(true);
    }
    expect(pool.stats().kills).toBe(2);
  });

  it('counts the wait for a connection, and is a value when it is zero', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    expect(await errorOf(pool.query({ sql: 'SELECT 1', timeout: 50 }))).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT' });
    const forever = pool.query({ sql: 'SELECT 1 AS one', timeout: 0 });
    held.release();
    expect((await forever)[0]).toEqual([{ one: 1 }]);
  });

  it('that is not a number of milliseconds is refused', async () => {
    await using fixture = await openPool();
    for (const timeout of [-1, Number.NaN, '5', null]) {
      expect(await errorOf(fixture.pool.query({ sql: 'SELECT 1', timeout: timeout as number }))).toMatchObject({
        code: 'POOL_OPTION_INVALID',
      });
      expect(await errorOf(fixture.pool.getConnection({ timeout: timeout as number }))).toMatchObject({ code: 'POOL_OPTION_INVALID' });
    }
    expect(imbalanceOf(fixture.pool.stats())).toEqual([]);
  });
});
