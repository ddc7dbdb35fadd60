import { AsyncLocalStorage } from 'node:async_hooks';
import { createConnection } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { createPool as createPromisePool } from '../../../src/mirror/promise.js';
import { createPool } from '../../../src/mysql/create-pool.js';
import { withDeadline } from '../../../src/resilience/index.js';
import { createQueryCache } from '../../../src/cache/index.js';
import { errorOf, poolOf } from '../../support/pool-on-database.js';
import { createDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';
import { CommandsSeen } from './support/commands-seen.js';

const store = new AsyncLocalStorage<string>();

describe('what a pool does by itself', () => {
  it('runs in the root context: opening, cleaning, killing, closing, what it asks the server', async () => {
    await using database = await createDatabase();
    await database.admin('CREATE TABLE t (id INT PRIMARY KEY)');
    using commands = new CommandsSeen(store);
    const seen: Record<string, unknown> = {};
    const note = (what: string) => (): void => {
      seen[what] = store.getStore() ?? 'nothing';
    };
    await store.run('a request', async () => {
      const cache = createQueryCache();
      const { password, ...login } = database.connection;
      const pool = createPool({
        ...login,
        minIdle: 0,
        connectionLimit: 2,
        cache,
        credentials: () => {
          note('credentials')();
          return { user: database.user, password };
        },
        onConnect: async (connection) => {
          note('onConnect')();
          await connection.query('SET @by = 1 /* by onConnect */');
        },
        classifyError: () => {
          note('classifyError')();
          return undefined;
        },
        logger: { debug: note('logger'), info: note('logger'), warn: note('logger'), error: note('logger') },
        typeCast: (_, next) => {
          note('typeCast')();
          return next();
        },
      });
      pool.watch('opened', note('a listener'));
      await pool.query({ sql: 'SELECT id FROM t /* caller */', cache: true });
      await pool.query('SELECT 1 /* caller */');
      await errorOf(pool.query('SELECT none FROM t /* caller */'));
      await errorOf(pool.query({ sql: 'SELECT SLEEP(5) /* caller */', timeout: 50 }));
      const connection = await pool.getConnection();
      await connection.query('SET @dirty = 1 /* caller */');
      connection.release();
      await connection.query('SELECT 1').catch(() => undefined);
      await pool.query('SELECT 2 /* caller */');
      await waitFor('the killed statement', () => pool.stats().kills === 1);
      pool.evict();
      await pool.end();
      cache.close();
    });
    expect(commands.besides(['/* caller */'])).toEqual([]);
    expect(commands.size).toBeGreaterThan(5);
    expect(seen).toEqual({
      credentials: 'nothing',
      onConnect: 'nothing',
      classifyError: 'nothing',
      logger: 'nothing',
      typeCast: 'nothing',
      'a listener': 'a request',
    });
  });

  it('calls listeners in the contexts in which they were added, on the pool and on its views', async () => {
    await using database = await createDatabase();
    const pool = poolOf(database, { connectionLimit: 1 });
    const seen: string[] = [];
    const listen = (who: string, target: { on(event: never, listener: () => void): unknown }, event: string): void => {
      store.run(who, () => target.on(event as never, () => seen.push(`${who}: ${event} saw ${store.getStore()}`)));
    };
    listen('first', pool, 'connection');
    listen('second', pool, 'connection');
    listen('third', pool.pool, 'acquire');
    listen('fourth', pool.pool.promise(), 'release');
    await store.run('a request', () => pool.query('SELECT 1'));
    await store.run('another', async () => (await pool.getConnection()).release());
    for (const who of ['first', 'second']) expect(seen).toContain(`${who}: connection saw ${who}`);
    expect(seen).toContain('third: acquire saw third');
    expect(seen).toContain('fourth: release saw fourth');
    await pool.end();
  });
});

describe('the deadline of one request', () => {
  it.each([
    ['createPool', (database: Awaited<ReturnType<typeof createDatabase>>) => poolOf(database, { connectionLimit: 1 })],
    [
      'the mirror',
      (database: Awaited<ReturnType<typeof createDatabase>>) =>
        createPromisePool({ ...database.connection, connectionLimit: 1 }) as unknown as ReturnType<typeof poolOf>,
    ],
  ])('does not bound what others do on the connection that it opened: %s', async (_, open) => {
    await using database = await createDatabase();
    const pool = open(database);
    await withDeadline(60_000, async (deadline) => {
      await pool.query('SELECT 1');
      expect(deadline.over).toBe(false);
    });
    // As good as passed: what is asked in it is refused at once.
    const passed = new AbortController();
    await withDeadline(passed.signal, () => pool.getConnection().then((connection) => connection.release()));
    passed.abort();
    const query = pool.pool.query('SELECT 1 AS n UNION ALL SELECT 2');
    const inListener = new Promise((resolve) => {
      query.on('result', () => resolve(pool.query('SELECT 2 AS n').then(([rows]) => rows, String)));
    });
    expect(await inListener).toEqual([{ n: 2 }]);
    const inStream = new Promise((resolve) => {
      pool.pool
        .query('SELECT 1 AS n')
        .stream()
        .on('data', () => resolve(pool.query('SELECT 3 AS n').then(([rows]) => rows, String)));
    });
    expect(await inStream).toEqual([{ n: 3 }]);
    await pool.end();
  });

  it('does not bound the load of a cached value for others', async () => {
    await using database = await createDatabase();
    await database.admin('CREATE TABLE t (id INT PRIMARY KEY)');
    const cache = createQueryCache();
    const pool = poolOf(database, { connectionLimit: 2, cache });
    await cache.ready();
    await pool.query({ sql: 'SELECT id FROM t', cache: true });
    const locker = await createConnection({ ...database.connection });
    await locker.query('LOCK TABLES t WRITE');
    const load = { sql: 'SELECT id FROM t WHERE id > 0 /* load */', cache: true };
    const gaveUp = new AbortController();
    const first = withDeadline(gaveUp.signal, () => pool.query(load));
    await waitFor('the load', async () => (await database.processlist()).some(({ info }) => info?.includes('/* load */') === true));
    const second = pool.query(load);
    gaveUp.abort();
    expect((await errorOf(first)).code).toBe('POOL_ABORTED');
    await locker.query('UNLOCK TABLES');
    expect((await second)[0]).toEqual([]);
    await locker.end();
    await pool.end();
    cache.close();
  });
});
