import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCluster } from '../../../src/cluster/index.js';
import { createPool } from '../../../src/mysql/create-pool.js';
import { createPromisePool } from '../../../src/mysql/drop-in.js';
import type { Credentials, PoolOptions } from '../../../src/mysql/options/index.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { pause } from '../../../src/engine/waiting/index.js';
import { connectionId, errorOf, valueOf } from '../../support/pool-on-database.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

/** A place for secrets, with the right password of the database's user. */
class Store {
  password = `first-${Math.random()}`;
  expiresInMs: number | undefined = 3_600_000;
  asked = 0;
  fails: Error | undefined = undefined;

  readonly credentials = async (): Promise<Credentials> => {
    this.asked += 1;
    await pause(5);
    if (this.fails !== undefined) throw this.fails;
    const { password, expiresInMs } = this;
    return { user: database.user, password, ...(expiresInMs === undefined ? {} : { expiresAt: Date.now() + expiresInMs }) };
  };

  /** The server takes another password from now on. Returns it; it is not in the store yet. */
  async changeAtServer(): Promise<string> {
    const password = `next-${Math.random()}`;
    await database.admin(`ALTER USER '${database.user}'@'%' IDENTIFIED BY '${password}'`);
    return password;
  }
}

async function newStore(): Promise<Store> {
  const store = new Store();
  store.password = await store.changeAtServer();
  return store;
}

function poolFrom(store: Store, options: PoolOptions = {}): Pool {
  const { host, port, database: name } = database.connection;
  return createPool({ host, port, database: name, minIdle: 0, credentials: store.credentials, ...options });
}

describe('a password that is rotated while the pool serves', () => {
  it('fails no caller: open connections stay, and new ones log in with the new password', async () => {
    const store = await newStore();
    await using pool = poolFrom(store, { connectionLimit: 8, minIdle: 2 });
    const stop = new AbortController();
    const outcomes: string[] = [];
    const callers = Array.from({ length: 16 }, async () => {
      while (!stop.signal.aborted) {
        const outcome = await pool.query('SELECT SLEEP(0.01)').then(
          () => 'served',
          (error: unknown) => String(error),
        );
        outcomes.push(outcome);
      }
    });
    // All connections are open then: nothing logs in between the server's change and the store's.
    const whole = (opened: number): Promise<unknown> =>
      waitFor('all connections to be open', () => {
        const stats = pool.stats();
        return stats.opened === opened && stats.total === 8 && stats.opening === 0;
      });
    await whole(8);
    for (let round = 1; round <= 3; round += 1) {
      store.password = await store.changeAtServer();
      pool.evict();
      await whole(8 + 8 * round);
    }
    stop.abort();
    await Promise.all(callers);
    console.log(
      `${outcomes.length} callers through three rotations; ${store.asked} questions; ${pool.stats().connectErrors} failed openings`,
    );
    expect(outcomes.filter((outcome) => outcome !== 'served')).toEqual([]);
    expect([store.asked, pool.stats().connectErrors]).toEqual([4, 0]);
  });

  it('is known after one refused login, although what is kept would hold for an hour', async () => {
    const store = await newStore();
    await using pool = poolFrom(store, { connectionLimit: 2 });
    const first = await pool.getConnection();
    store.password = await store.changeAtServer();
    expect(await valueOf(pool, '1')).toBe(1);
    expect([store.asked, pool.stats().opened, pool.stats().connectErrors]).toEqual([2, 2, 0]);
    expect(await valueOf(first, '1')).toBe(1);
    first.release();
  });

  it('I6: at the server alone makes no storm of logins and of questions; when the store has it, the pool serves', async () => {
    const store = await newStore();
    await using pool = poolFrom(store, { connectionLimit: 5 });
    const startedAt = performance.now();
    const next = await store.changeAtServer();
    while (performance.now() - startedAt < 500) {
      expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 1045 } });
    }
    // One at a time, at least 50 ms apart; one question for each, and one more after the first.
    const { connectErrors } = pool.stats();
    expect(connectErrors).toBeLessThanOrEqual(2 + (performance.now() - startedAt) / 50);
    expect(store.asked).toBeLessThanOrEqual(connectErrors + 2);
    store.password = next;
    await waitFor('the pool to serve', () => valueOf(pool, '1').catch(() => undefined));
  });

  it('is not sent again in its old form, to clean a session that logged in with it: that connection is replaced', async () => {
    const store = await newStore();
    await using pool = poolFrom(store, { connectionLimit: 2 });
    const old = await pool.getConnection();
    const id = await connectionId(old);
    store.password = await store.changeAtServer();
    await pool.query('SELECT 1');
    await old.changeUser({ user: database.user, password: store.password, database: 'information_schema' });
    old.release();
    await waitFor('the connection to be replaced', () => pool.stats().closed === 1);
    expect(await Promise.all([valueOf(pool, 'DATABASE()'), connectionId(pool)])).toEqual([database.database, expect.any(Number)]);
    expect((await database.processlist()).map((row) => row.id)).not.toContain(id);
    expect(pool.stats().connectErrors).toBe(0);
  });
});

describe('a source that fails', () => {
  it('fails no caller while its last answer holds, and is a warning in the health of the pool', async () => {
    const store = await newStore();
    await using pool = poolFrom(store, { connectionLimit: 1 });
    await pool.query('SELECT 1');
    expect(await pool.health()).toMatchObject({
      healthy: true,
      checks: expect.arrayContaining([expect.objectContaining({ name: 'credentials', status: 'pass' })]),
    });
    store.fails = new Error('the vault is sealed');
    pool.evict();
    await pool.query('SELECT 1');
    const { status, checks } = await pool.health();
    const warning = expect.stringMatching(/the vault is sealed.*those in use hold for 3\d{3} s more/u);
    expect(status).toBe('degraded');
    expect(checks).toContainEqual({ name: 'credentials', status: 'warn', message: warning });
    expect(inspect([pool, await pool.health(), pool.stats()], { depth: 9, showHidden: true })).not.toContain(store.password);
  });

  it('is an error with a code when nothing is kept', async () => {
    const store = await newStore();
    store.fails = new Error('the vault is sealed');
    await using pool = poolFrom(store);
    const error = await errorOf(pool.query('SELECT 1'));
    expect(error).toMatchObject({ code: 'POOL_CREDENTIALS_FAILED', cause: { message: 'the vault is sealed' } });
    store.fails = undefined;
    await waitFor('the pool to serve', () => valueOf(pool, '1').catch(() => undefined));
  });
});

describe('one function', () => {
  it('that is given to a cluster is asked once for its monitors and pools, and again when the password has changed', async () => {
    const store = await newStore();
    const { host, port, database: name } = database.connection;
    const cluster = createCluster({ nodes: [{ host, port }], database: name, discovery: 'static', credentials: store.credentials });
    try {
      await cluster.query('SELECT 1');
      expect(store.asked).toBe(1);
      store.password = await store.changeAtServer();
      cluster.evict();
      await cluster.query('SELECT 1');
      expect([store.asked, cluster.stats().connectErrors]).toEqual([2, 0]);
    } finally {
      await cluster.end();
    }
  });

  it('that is given to a pool in the place of mysql2’s is read as by createPool; its errors are its callers’', async () => {
    const store = await newStore();
    const { host, port, database: name } = database.connection;
    const pool = createPromisePool({ host, port, database: name, credentials: store.credentials });
    try {
      await Promise.all([1, 2, 3].map(() => pool.query('SELECT SLEEP(0.02)')));
      expect(store.asked).toBe(1);
    } finally {
      await pool.end();
    }
    store.fails = new Error('the vault is sealed');
    const failing = createPromisePool({ host, port, database: name, credentials: () => store.credentials() });
    expect(await errorOf(failing.query('SELECT 1'))).toMatchObject({ message: 'the vault is sealed' });
    await failing.end();
  });

  it('that is given to several pools is asked once for all of them', async () => {
    const store = await newStore();
    await using first = poolFrom(store);
    await using second = poolFrom(store);
    await Promise.all([first.query('SELECT 1'), second.query('SELECT 1')]);
    expect(store.asked).toBe(1);
  });
});
