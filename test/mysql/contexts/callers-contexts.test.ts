import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import type { Connection, Pool as CallbackPool, Query } from 'mysql2';
import { describe, expect, it } from 'vitest';
import { createPool as createCallbackPool, createPoolCluster } from '../../../src/mirror/mysql2.js';
import { createPool as createPromisePool, createPoolCluster as createPromiseCluster } from '../../../src/mirror/promise.js';
import { createQueryCache } from '../../../src/cache/index.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { poolOf } from '../../support/pool-on-database.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';
import { CommandsSeen } from './support/commands-seen.js';

const store = new AsyncLocalStorage<string>();

/** Two rows on any server. */
const ROWS = 'SELECT 1 AS n UNION ALL SELECT 2';

type Note = (what: string) => void;
type Callback = (error: Error | null) => void;

/** What runs statements by callback: a pool, a view of a cluster, a connection. */
interface Runner {
  query(sql: unknown, callback?: Callback): Query;
  execute(sql: unknown, values?: unknown[], callback?: Callback): unknown;
}

/** What a caller does by callback, each in a context of its own; `note` is called wherever code of the caller runs. */
const BY_CALLBACK: Readonly<Record<string, (runner: Runner, note: Note) => Promise<unknown>>> = {
  'callback of query': (runner, note) => settled((done) => runner.query(ROWS, done), note),
  'callback of execute': (runner, note) => settled((done) => runner.execute(ROWS, [], done), note),
  'callback with an error': (runner, note) => settled((done) => runner.query('SELECT * FROM does_not_exist', done), note),
  'events of a query': async (runner, note) => {
    const query = runner.query(ROWS);
    for (const event of ['fields', 'result', 'end']) query.on(event as 'result', () => note(event));
    await once(query, 'end');
  },
  'event of an error': async (runner, note) => {
    const query = runner.query('SELECT * FROM does_not_exist');
    query.on('error', () => note('error'));
    await once(query, 'end').catch(() => undefined);
  },
  'events of a stream': async (runner, note) => {
    const stream = runner.query(ROWS).stream({ highWaterMark: 1 });
    for (const event of ['fields', 'result', 'data', 'end', 'close']) stream.on(event, () => note(event));
    await once(stream, 'close');
  },
  'an iterated stream': async (runner, note) => {
    for await (const row of runner.query(ROWS).stream({ highWaterMark: 1 })) note(`row ${JSON.stringify(row)}`);
  },
  'typeCast of query': (runner, note) => settled((done) => runner.query({ sql: ROWS, typeCast: noting(note) }, done), note),
  'typeCast of execute': (runner, note) => settled((done) => runner.execute({ sql: ROWS, typeCast: noting(note) }, [], done), note),
};

/** The same by promise. */
const BY_PROMISE: Readonly<Record<string, (pool: Pool, note: Note) => Promise<unknown>>> = {
  query: (pool, note) => pool.query('SELECT 1 /* query */').then(() => note('answer')),
  execute: (pool, note) => pool.execute('SELECT 1 /* execute */').then(() => note('answer')),
  'typeCast of query': (pool, note) => pool.query({ sql: ROWS, typeCast: noting(note) }),
  'a borrowed connection': async (pool, note) => {
    const connection = await pool.getConnection();
    note('borrowed');
    await connection.query('SELECT 1 /* a borrowed connection */');
    note('answer');
    connection.release();
  },
};

function settled(start: (done: Callback) => unknown, note: Note): Promise<void> {
  return new Promise((resolve) => {
    start(() => {
      note('callback');
      resolve();
    });
  });
}

function noting(note: Note): (field: unknown, next: () => unknown) => unknown {
  return (_, next) => {
    note('typeCast');
    return next();
  };
}

/** The doors of callers by callback; each has one connection. */
const DOORS: Readonly<
  Record<string, (database: TestDatabase) => { readonly runner: Runner; hold(): Promise<() => void>; end(): Promise<void> }>
> = {
  'pool.pool of createPool': (database) => {
    const pool = poolOf(database, { connectionLimit: 1 });
    return doorOf(pool.pool, () => pool.end());
  },
  'the mirror of mysql2': (database) => {
    const pool = createCallbackPool({ ...database.connection, connectionLimit: 1 });
    return doorOf(pool, () => pool.promise().end());
  },
  'pool.pool of the mirror of mysql2/promise': (database) => {
    const pool = createPromisePool({ ...database.connection, connectionLimit: 1 });
    return doorOf((pool as unknown as { pool: CallbackPool }).pool, () => pool.end());
  },
  'a cluster of the mirror': (database) => {
    const cluster = createPoolCluster();
    cluster.add('one', { ...database.connection, connectionLimit: 1 });
    return doorOf(cluster.of('*') as unknown as CallbackPool, () => ended((done) => cluster.end(done)));
  },
};

function doorOf(pool: CallbackPool, end: () => Promise<void>): ReturnType<(typeof DOORS)[string]> {
  const hold = (): Promise<() => void> =>
    new Promise((resolve, reject) => {
      pool.getConnection((error, connection) => (error === null ? resolve(() => connection.release()) : reject(error)));
    });
  return { runner: pool as unknown as Runner, hold, end };
}

function ended(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve) => {
    start(() => resolve());
  });
}

/** The stores that were seen, by what ran: what ran in the context of its caller is left out. */
class Foreign {
  readonly seen: string[] = [];
  notes = 0;

  noteIn(caller: string): Note {
    return (what) => {
      this.notes += 1;
      const seen = store.getStore();
      if (seen !== caller) this.seen.push(`${caller}: ${what} saw ${seen ?? 'nothing'}`);
    };
  }
}

describe.each(Object.entries(DOORS))('by callback, through %s', (_, open) => {
  it("what is the caller's runs in the context of the caller, even when it had to wait", async () => {
    await using database = await createDatabase();
    const door = open(database);
    const foreign = new Foreign();
    // Opens the connection: it must not keep this context.
    (await store.run('who opened it', () => door.hold()))();
    for (const [name, run] of Object.entries(BY_CALLBACK)) {
      const caller = `at once: ${name}`;
      await store.run(caller, () => run(door.runner, foreign.noteIn(caller)));
    }
    const giveBack = await store.run('who holds it', () => door.hold());
    const queued = Object.entries(BY_CALLBACK).map(([name, run]) => {
      const caller = `queued: ${name}`;
      return store.run(caller, () => run(door.runner, foreign.noteIn(caller)));
    });
    store.run('who gave it back', giveBack);
    await Promise.all(queued);
    expect(foreign.seen).toEqual([]);
    expect(foreign.notes).toBeGreaterThan(Object.keys(BY_CALLBACK).length * 2);
    await door.end();
  });

  it("the same on a connection that was borrowed, and in its pool's queue", async () => {
    await using database = await createDatabase();
    const door = open(database);
    const foreign = new Foreign();
    const giveBack = await store.run('who opened it', () => door.hold());
    const waiting = store.run('the borrower', () => borrow(door.runner as unknown as CallbackPool, foreign.noteIn('the borrower')));
    store.run('who gave it back', giveBack);
    const connection = await waiting;
    for (const [name, run] of Object.entries(BY_CALLBACK)) {
      await store.run(name, () => run(connection as unknown as Runner, foreign.noteIn(name)));
    }
    await store.run('ping', () => settled((done) => connection.ping(done), foreign.noteIn('ping')));
    store.run('who gave it back', () => connection.release());
    expect(foreign.seen).toEqual([]);
    await door.end();
  });
});

function borrow(pool: CallbackPool, note: Note): Promise<Connection & { release(): void }> {
  return new Promise((resolve, reject) => {
    pool.getConnection((error, connection) => {
      note('borrowed');
      if (error === null) resolve(connection);
      else reject(error);
    });
  });
}

describe('by promise', () => {
  it.each([
    ['createPool', (database: TestDatabase): Pool => poolOf(database, { connectionLimit: 1 })],
    ['the mirror', (database: TestDatabase): Pool => createPromisePool({ ...database.connection, connectionLimit: 1 }) as unknown as Pool],
  ])('a statement is given to its connection in the context of its caller, at any depth of the queue: %s', async (_, open) => {
    await using database = await createDatabase();
    const pool = open(database);
    using commands = new CommandsSeen(store);
    const foreign = new Foreign();
    const held = await store.run('who opened it', () => pool.getConnection());
    const names = Array.from({ length: 30 }, (__, index) => `request ${index}`);
    const queued = names.flatMap((name) =>
      Object.entries(BY_PROMISE).map(([what, run]) => {
        const caller = `${name}: ${what}`;
        return store.run(caller, () => run(pool, foreign.noteIn(caller)));
      }),
    );
    store.run('who gave it back', () => held.release());
    await Promise.all(queued);
    expect(foreign.seen).toEqual([]);
    for (const what of ['query', 'execute', 'a borrowed connection']) {
      const expected = names.map((name) => `${name}: ${what}`);
      expect([what, ...new Set(commands.of(`/* ${what} */`))]).toEqual([what, ...expected]);
    }
    await pool.end();
  });

  it('a cluster of the mirror hands on as its pools do', async () => {
    await using database = await createDatabase();
    const cluster = createPromiseCluster();
    cluster.add('one', { ...database.connection, connectionLimit: 1 });
    using commands = new CommandsSeen(store);
    const held = await store.run('who opened it', () => cluster.getConnection());
    const queued = ['a', 'b'].map((name) => store.run(name, () => cluster.of('*').query('SELECT 1 /* cluster */')));
    store.run('who gave it back', () => held.release());
    await Promise.all(queued);
    expect(commands.of('/* cluster */')).toEqual(['a', 'b']);
    await cluster.end();
  });

  it('a transaction, a cached read and a fallback run in the context of their caller', async () => {
    await using database = await createDatabase();
    await database.admin('CREATE TABLE t (id INT PRIMARY KEY)');
    const cache = createQueryCache();
    const pool = poolOf(database, { connectionLimit: 1, cache });
    await cache.ready();
    using commands = new CommandsSeen(store);
    await store.run('who reads the schema', () => pool.query({ sql: 'SELECT id FROM t WHERE id = 0', cache: true }));
    const held = await pool.getConnection();
    const queued = [
      store.run('transaction', () => pool.transaction((tx) => tx.query('SELECT 1 /* transaction */'))),
      store.run('first of a shared load', () => pool.query({ sql: 'SELECT id FROM t WHERE id = 1 /* load */', cache: true })),
      store.run('second of a shared load', () => pool.query({ sql: 'SELECT id FROM t WHERE id = 1 /* load */', cache: true })),
    ];
    store.run('who gave it back', () => held.release());
    await Promise.all(queued);
    expect(commands.of('/* transaction */')).toEqual(['transaction']);
    expect(commands.of('/* load */')).toEqual(['first of a shared load']);
    pool.breakers.statement.open('a test');
    const [seen] = await store.run('who falls back', () =>
      pool.query({ sql: 'SELECT 1', fallback: () => [store.getStore(), []] as never }),
    );
    expect(seen).toBe('who falls back');
    await pool.end();
    cache.close();
  });

  it('a statement that is run again is given to its connection in the context of its caller', async () => {
    await using database = await createDatabase();
    const pool = poolOf(database, { connectionLimit: 1 });
    using commands = new CommandsSeen(store);
    const running = store.run('the caller', () => pool.query({ sql: 'SELECT SLEEP(0.5) /* again */', idempotent: true }));
    await waitFor('the statement', async () => (await database.processlist()).some(({ info }) => info?.includes('again') === true));
    await database.killConnections();
    await running;
    expect(pool.stats().statementRetries.recovered).toBe(1);
    expect(commands.of('/* again */')).toEqual(['the caller', 'the caller']);
    await pool.end();
  });
});
