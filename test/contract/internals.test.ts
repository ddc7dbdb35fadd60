import { type ChannelListener, tracingChannel } from 'node:diagnostics_channel';
import mysql from 'mysql2';
import { describe, expect, it } from 'vitest';
import { borrow, internalsOf, open, sizesOf, SUBJECTS } from './support/subjects.js';

const { Connection } = mysql as unknown as { Connection: { prototype: Record<string, (...parameters: unknown[]) => unknown> } };

/** The contexts with which a tracing channel starts, while `work` runs. */
async function traced(name: string, work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const channel = tracingChannel(name);
  const started: Record<string, unknown>[] = [];
  const listener: ChannelListener = (context) => void started.push({ ...(context as object) });
  channel.start.subscribe(listener);
  try {
    await work();
  } finally {
    channel.start.unsubscribe(listener);
  }
  return started;
}

describe.each(SUBJECTS)('what is read of $name', (subject) => {
  it('by mysql2’s tests, MikroORM and metrics: lists of connections and waiters, with length, get and toArray', async () => {
    await using fixture = await open(subject, { connectionLimit: 2 });
    const { pool, callbacks, database } = fixture;
    const first = await borrow(callbacks);
    const second = await borrow(callbacks);
    const waiting = pool.query('SELECT 1');
    expect(sizesOf(pool)).toEqual([2, 0, 1]);
    const { _allConnections: all, _freeConnections: free, config } = internalsOf(pool);
    expect([all.get(0), all.get(1)]).toEqual([first, second]);
    expect(all.toArray()).toEqual([first, second]);
    first.release();
    await waiting;
    second.release();
    expect([...free.toArray()].length).toBe(free.length);
    expect(config.connectionConfig['password']).toBe(database.password);
  });

  it('by mysql2’s tests: _closed, the sweeper’s timer, a copy of the configuration for each connection', async () => {
    await using fixture = await open(subject, { connectionLimit: 2, maxIdle: 1 });
    const { pool } = fixture;
    const internals = internalsOf(pool);
    expect([internals._closed, internals._removeIdleTimeoutConnectionsTimer._destroyed]).toEqual([false, false]);
    expect(internals._createConnectionConfig()).toEqual(internals.config.connectionConfig);
    expect(internals._createConnectionConfig()).not.toBe(internals.config.connectionConfig);
    await pool.end();
    expect([internals._closed, internals._removeIdleTimeoutConnectionsTimer._destroyed]).toEqual([true, true]);
  });

  it('by TypeORM and mysql2’s tests: how many listen to a connection', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { callbacks, pool } = fixture;
    for (let round = 0; round < 3; round += 1) await pool.query('SELECT 1');
    const connection = await borrow(callbacks);
    expect([connection.listenerCount('error'), connection.listenerCount('end'), connection.listenerCount('connect')]).toEqual([1, 1, 0]);
    connection.release();
  });

  it('by Sequelize: whether a connection is alive', async () => {
    await using fixture = await open(subject);
    const connection = await borrow(fixture.callbacks);
    expect(connection).toMatchObject({ _fatalError: null, _protocolError: null, stream: { destroyed: false } });
    expect((connection as unknown as { _closing?: boolean })._closing ?? false).toBe(false);
    connection.release();
  });

  it('by Drizzle: it recognizes a pool by getConnection, and its callback form by promise()', async () => {
    await using fixture = await open(subject);
    const { pool, callbacks } = fixture;
    expect(['getConnection' in pool, 'getConnection' in callbacks, typeof callbacks.promise]).toEqual([true, true, 'function']);
    expect('promise' in pool).toBe(false);
    const connection = await pool.getConnection();
    expect(typeof (connection as unknown as { connection: { query: unknown } }).connection.query).toBe('function');
    connection.release();
  });

  it('by Knex: it does not look like a tarn pool', async () => {
    await using fixture = await open(subject);
    const own = ['acquire', 'release', 'destroy', 'numFree', 'numUsed', 'numPendingAcquires'];
    for (const form of [fixture.pool, fixture.callbacks]) expect(own.every((name) => name in form)).toBe(false);
  });

  it('by OpenTelemetry and others: query and execute of mysql2’s connection, patched on the prototype, see every statement', async () => {
    await using fixture = await open(subject);
    const { pool, callbacks } = fixture;
    const seen: string[] = [];
    // What the pool itself asks of a new connection is not looked at.
    await pool.query('SELECT 0');
    const originals = { query: Connection.prototype['query'], execute: Connection.prototype['execute'] };
    for (const [method, original] of Object.entries(originals)) {
      Connection.prototype[method] = function (this: unknown, ...parameters: unknown[]) {
        const [sql] = parameters as [string | { sql: string }];
        seen.push(`${method} ${typeof sql === 'string' ? sql : sql.sql}`);
        return original?.apply(this, parameters);
      };
    }
    try {
      await pool.query('SELECT 1');
      await pool.execute('SELECT 2');
      await new Promise((resolve) => callbacks.query('SELECT 3', resolve));
      const connection = await pool.getConnection();
      await connection.query('SELECT 4');
      connection.release();
    } finally {
      Object.assign(Connection.prototype, originals);
    }
    expect(seen.filter((text) => text !== 'query ROLLBACK')).toEqual([
      'query SELECT 1',
      'execute SELECT 2',
      'query SELECT 3',
      'query SELECT 4',
    ]);
  });
});

describe.each(SUBJECTS)('tracing channels of $name', (subject) => {
  it('mysql2:query and mysql2:execute report each statement', async () => {
    await using fixture = await open(subject);
    const { pool, callbacks, database } = fixture;
    await pool.query('SELECT 0');
    const queries = await traced('mysql2:query', async () => {
      await pool.query('SELECT ? AS a', [1]);
      await new Promise((resolve) => callbacks.query('SELECT 2 AS b', resolve));
    });
    expect(queries).toMatchObject([
      { query: 'SELECT 1 AS a', database: database.database, serverAddress: database.host, serverPort: database.port },
      { query: 'SELECT 2 AS b' },
    ]);
    const executes = await traced('mysql2:execute', () => pool.execute('SELECT ? AS a', [1]));
    expect(executes).toMatchObject([{ query: 'SELECT ? AS a', values: [1] }]);
  });

  it('mysql2:connect reports each new connection, mysql2:pool:connect each that is asked for', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool, callbacks, database } = fixture;
    const where = { database: database.database, serverAddress: database.host, serverPort: database.port };
    const connects = await traced('mysql2:connect', async () => {
      await pool.query('SELECT 1');
      await pool.query('SELECT 2');
    });
    expect(connects).toMatchObject([where]);
    const acquires = await traced('mysql2:pool:connect', async () => {
      await pool.query('SELECT 1');
      (await pool.getConnection()).release();
      (await borrow(callbacks)).release();
    });
    expect(acquires).toEqual([where, where, where]);
  });

  it('an error channel reports statements that fail', async () => {
    await using fixture = await open(subject);
    const channel = tracingChannel('mysql2:query');
    const errors: unknown[] = [];
    const listener: ChannelListener = (context) => void errors.push((context as { error: unknown }).error);
    channel.error.subscribe(listener);
    await fixture.pool.query('SELECT * FROM missing').catch(() => undefined);
    channel.error.unsubscribe(listener);
    expect(errors).toMatchObject([{ errno: 1146 }]);
  });
});
