import { AsyncLocalStorage } from 'node:async_hooks';
import type { Pool as CallbackPool, PoolConnection, PoolOptions, QueryError } from 'mysql2';
import type { Pool, RowDataPacket } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { createPoolCluster } from '../../src/mirror/mysql2.js';
import { createPool as createPromisePool, createPoolCluster as createPromisePoolCluster } from '../../src/mirror/promise.js';
import type { DropInOptions } from '../../src/mysql/options/mysql2-dialect.js';
import { pools } from '../../src/mysql/registry.js';
import { errorOf } from '../support/pool-on-database.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';
import { freePort } from '../support/network/free-port.js';
import { waitFor } from '../support/wait-for.js';

interface Fixture extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly pool: Pool;
  readonly callbackPool: CallbackPool;
}

async function open(options: DropInOptions = {}): Promise<Fixture> {
  const database = await createDatabase();
  const pool = createPromisePool({ ...database.connection, ...options });
  return {
    database,
    pool,
    callbackPool: pool.pool,
    async [Symbol.asyncDispose]() {
      await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
}

function borrow(pool: CallbackPool): Promise<PoolConnection> {
  return new Promise((resolve, reject) => {
    pool.getConnection((error, connection) => (error === null ? resolve(connection) : reject(error)));
  });
}

describe('the errors of a pool that stands in for mysql2’s are mysql2’s', () => {
  it('when nothing listens at the address', async () => {
    const port = await freePort();
    await using pool = createPromisePool({ host: '127.0.0.1', port, user: 'nobody' });
    const failures = await Promise.all([
      errorOf(pool.query('SELECT 1')),
      errorOf(pool.getConnection()),
      errorOf(pool.execute('SELECT 1')),
      errorOf(borrow(pool.pool)),
    ]);
    for (const error of failures) {
      expect(error).toMatchObject({
        code: 'ECONNREFUSED',
        message: `connect ECONNREFUSED 127.0.0.1:${port}`,
        syscall: 'connect',
        fatal: true,
      });
      expect(error.constructor).toBe(Error);
    }
    expect(new Set(failures).size).toBe(failures.length);
  });

  it('when the password is wrong', async () => {
    await using database = await createDatabase();
    await using pool = createPromisePool({ ...database.connection, password: 'wrong' });
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR', errno: 1045, sqlState: '28000' });
  });

  it('when the certificate of the server is not trusted', async () => {
    await using database = await createDatabase();
    await using distrusting = createPromisePool({ ...database.connection, ssl: {} });
    expect(await errorOf(distrusting.query('SELECT 1'))).toMatchObject({ code: 'HANDSHAKE_SSL_ERROR', fatal: true });
    await using trusting = createPromisePool({ ...database.connection, ssl: { ca: database.caCertificate } });
    const [rows] = await trusting.query<RowDataPacket[]>("SHOW STATUS LIKE 'Ssl_cipher'");
    expect(rows[0]?.['Value']).not.toBe('');
  });

  it('when all connections are taken', async () => {
    await using refusing = await open({ connectionLimit: 1, waitForConnections: false });
    await using held = await refusing.pool.getConnection();
    expect(held.threadId).toBeGreaterThan(0);
    expect((await errorOf(refusing.pool.query('SELECT 1'))).message).toBe('No connections available.');
    expect((await errorOf(borrow(refusing.callbackPool))).message).toBe('No connections available.');
  });

  it('when the queue is full', async () => {
    await using fixture = await open({ connectionLimit: 1, queueLimit: 1 });
    const held = await fixture.pool.getConnection();
    const queued = fixture.pool.query('SELECT 1');
    expect((await errorOf(fixture.pool.getConnection())).message).toBe('Queue limit reached.');
    held.release();
    await queued;
  });

  it('when the pool is closed', async () => {
    await using fixture = await open({ connectionLimit: 1 });
    const held = await fixture.pool.getConnection();
    const queued = errorOf(fixture.pool.getConnection());
    const ended = fixture.pool.end();
    expect((await queued).message).toBe('Pool is closed.');
    expect((await errorOf(fixture.pool.query('SELECT 1'))).message).toBe('Pool is closed.');
    held.release();
    await ended;
  });

  it('when the connection is lost under a statement', async () => {
    await using fixture = await open({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const sleeping = errorOf(pool.query('SELECT SLEEP(30)'));
    await waitFor('the statement to run', async () => (await database.processlist()).some((row) => row.info?.includes('SLEEP') === true));
    await database.killConnections();
    expect(await sleeping).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST', fatal: true });

    const connection = await pool.getConnection();
    const failing = errorOf(connection.query('SELECT SLEEP(30)'));
    await waitFor('the statement to run', async () => (await database.processlist()).some((row) => row.info?.includes('SLEEP') === true));
    await database.killConnections();
    expect(await failing).toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST' });
    expect((await errorOf(connection.query('SELECT 1'))).message).toBe("Can't add new command when connection is in closed state");
    connection.release();
  });
});

describe('the timeout of a statement', () => {
  it('ends it with mysql2’s error, and unlike mysql2’s also on the server', async () => {
    await using fixture = await open({ connectionLimit: 1 });
    const { pool, database } = fixture;
    const late = { sql: 'SELECT SLEEP(30)', timeout: 100 };
    for (const statement of [() => pool.query(late), () => pool.execute(late)]) {
      const error = (await errorOf(statement())) as QueryError;
      expect(error).toMatchObject({ code: 'PROTOCOL_SEQUENCE_TIMEOUT', errorno: 'PROTOCOL_SEQUENCE_TIMEOUT', syscall: 'query' });
      expect(error.message).toBe('Query inactivity timeout');
    }
    expect((await pool.query<RowDataPacket[]>('SELECT 1 AS n'))[0]).toEqual([{ n: 1 }]);
    expect((await database.processlist()).filter((row) => row.info?.includes('SLEEP') === true)).toEqual([]);
  });

  it('does not run while the statement waits for its turn, as with mysql2', async () => {
    await using fixture = await open({ connectionLimit: 1 });
    const { pool } = fixture;
    const before = pool.query('SELECT SLEEP(0.6)');
    const [waited] = await pool.query<RowDataPacket[]>({ sql: 'SELECT 1 AS n', timeout: 300 });
    expect(waited).toEqual([{ n: 1 }]);
    await before;

    await using connection = await pool.getConnection();
    const first = connection.query('SELECT SLEEP(0.6)');
    const [behind] = await connection.query<RowDataPacket[]>({ sql: 'SELECT 2 AS n', timeout: 300 });
    expect(behind).toEqual([{ n: 2 }]);
    await first;
  });
});

describe('a custom Promise', () => {
  it('is what the methods of the pool return, as with mysql2', async () => {
    class Promised<T> extends Promise<T> {}
    await using database = await createDatabase();
    await using pool = createPromisePool({ ...database.connection, Promise: Promised });
    const query = pool.query('SELECT 1 AS n');
    expect(query).toBeInstanceOf(Promised);
    expect((await query)[0]).toEqual([{ n: 1 }]);
  });
});

describe('a cluster', () => {
  it('of the callback form has managed pools, and passes over a node that is down', async () => {
    await using database = await createDatabase();
    const port = await freePort();
    const cluster = createPoolCluster({ removeNodeErrorCount: 1, defaultSelector: 'ORDER' });
    const events: string[] = [];
    cluster.on('warn', (error: QueryError) => events.push(error.code));
    cluster.on('remove', (id) => events.push(`removed ${id}`));
    cluster.add('down', { host: '127.0.0.1', port, name: 'cluster-down' } as PoolOptions);
    cluster.add('up', { ...database.connection, name: 'cluster-up' } as PoolOptions);
    cluster.add('up', { host: 'a name that is taken is left alone' });
    expect([...pools().keys()]).toEqual(expect.arrayContaining(['cluster-down', 'cluster-up']));

    const rows = await new Promise<unknown>((resolve, reject) => {
      cluster.of('*').query('SELECT 7 AS n', (error: Error | null, found: unknown) => (error === null ? resolve(found) : reject(error)));
    });
    expect(rows).toEqual([{ n: 7 }]);
    expect(events).toEqual(['removed down', 'ECONNREFUSED']);
    await waitFor('the pool of the node that was removed to be closed', () => !pools().has('cluster-down'));
    await new Promise<void>((resolve) => {
      cluster.end(() => resolve());
    });
    expect(pools().has('cluster-up')).toBe(false);
  });

  it('lets no caller wait for the next attempt to reach a node that is down', async () => {
    const cluster = createPoolCluster({ canRetry: false });
    cluster.add('down', { host: '127.0.0.1', port: await freePort(), name: 'cluster-waits' } as PoolOptions);
    // The next attempt comes by a timer, many turns of the event loop later.
    const turns = await new Promise<number>((resolve) => {
      cluster.getConnection('down', (first) => {
        expect((first as QueryError).code).toBe('ECONNREFUSED');
        let passed = 0;
        let counting = setImmediate(function count() {
          passed += 1;
          counting = setImmediate(count);
        });
        cluster.getConnection('down', (second) => {
          clearImmediate(counting);
          expect((second as QueryError).code).toBe('ECONNREFUSED');
          resolve(passed);
        });
      });
    });
    expect(turns).toBeLessThanOrEqual(2);
    await new Promise<void>((resolve) => {
      cluster.end(() => resolve());
    });
  });

  it('of the promise form too', async () => {
    await using database = await createDatabase();
    await using cluster = createPromisePoolCluster();
    cluster.add({ uri: database.url() });
    cluster.add('second', { ...database.connection, connectionLimit: 1 });
    const connection = await cluster.getConnection('second');
    expect(connection.connection.constructor.name).toBe('ManagedConnection');
    expect((await connection.query<RowDataPacket[]>('SELECT 8 AS n'))[0]).toEqual([{ n: 8 }]);
    connection.release();
    expect((await cluster.of('CLUSTER*').query<RowDataPacket[]>('SELECT 9 AS n'))[0]).toEqual([{ n: 9 }]);
  });
});

describe('AsyncLocalStorage', () => {
  it('is the caller’s in every callback and promise, at any depth of the queue', async () => {
    await using fixture = await open({ connectionLimit: 2 });
    const { pool, callbackPool } = fixture;
    const storage = new AsyncLocalStorage<string>();
    const callers = Array.from({ length: 300 }, (_, number) => `caller ${number}`);
    const ways = [
      () => pool.query('SELECT 1').then(() => storage.getStore()),
      () => pool.execute('SELECT 1').then(() => storage.getStore()),
      async () => {
        await using connection = await pool.getConnection();
        await connection.ping();
        return storage.getStore();
      },
      () =>
        new Promise((resolve) => {
          callbackPool.query('SELECT 1', () => resolve(storage.getStore()));
        }),
      () =>
        new Promise((resolve) => {
          callbackPool.execute('SELECT 1', () => resolve(storage.getStore()));
        }),
      () =>
        new Promise((resolve) => {
          callbackPool.getConnection((_, connection) => {
            connection.release();
            resolve(storage.getStore());
          });
        }),
      () =>
        new Promise((resolve) => {
          callbackPool.getConnection((_, connection) => {
            connection.query('SELECT 1', () => {
              connection.release();
              resolve(storage.getStore());
            });
          });
        }),
    ];
    const seen = await Promise.all(callers.map((caller, index) => storage.run(caller, async () => await ways[index % ways.length]?.())));
    expect(seen).toEqual(callers);
  });
});
