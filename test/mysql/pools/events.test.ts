import type { EventEmitter } from 'node:events';
import { PoolConnection as DriverPoolConnection } from 'mysql2';
import mysql from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.js';
import { borrowByCallback, openPool, poolOf } from '../../support/pool-on-database.js';
import { captureUncaught } from '../support/uncaught.js';
import { createDatabase } from '../../support/servers/database.js';

const EVENTS = ['connection', 'acquire', 'release', 'enqueue'] as const;

/** Notes the pool's events in order of arrival. */
function record(pool: EventEmitter): string[] {
  const events: string[] = [];
  for (const event of EVENTS) pool.on(event, () => events.push(event));
  return events;
}

/** Four leases one after the other, of each kind; returns the events. */
async function work(pool: mysql.Pool): Promise<string[]> {
  const events = record(pool);
  await pool.query('SELECT 1');
  await pool.execute('SELECT 1');
  const connection = await pool.getConnection();
  connection.release();
  await pool.query('SELECT * FROM missing').catch(() => undefined);
  await waitFor('the release', () => events.at(-1) === 'release' && events.length > 8);
  return events;
}

describe('the events of the pool', () => {
  it('are those of mysql2’s pool, in its order, for the same work', async () => {
    await using database = await createDatabase();
    await using original = mysql.createPool({ ...database.connection, connectionLimit: 1 });
    await using ours = poolOf(database, { connectionLimit: 1 });

    const expected = await work(original);
    expect(expected).toEqual(['connection', 'acquire', 'release', 'acquire', 'release', 'acquire', 'release', 'acquire', 'release']);
    expect(await work(ours)).toEqual(expected);
  });

  it('carry the connection as mysql2’s callback users know it', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    const seen: unknown[] = [];
    for (const event of ['connection', 'acquire', 'release']) pool.on(event as 'acquire', (connection) => seen.push(connection));
    await using connection = await pool.getConnection();
    connection.release();
    expect(seen).toHaveLength(3);
    expect(new Set(seen)).toEqual(new Set([connection.connection]));
    expect(seen[0]).toBeInstanceOf(DriverPoolConnection);
  });

  it('are the same on the promise pool and on the callback pool', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    const promised = record(pool);
    const callbacks = record(pool.pool);
    await pool.query('SELECT 1');
    expect(promised).toEqual(['connection', 'acquire', 'release']);
    expect(callbacks).toEqual(promised);
  });

  it('are silent when a connection is handed from one borrower to the next, as mysql2’s are', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const held = await borrowByCallback(pool);
    const events = record(pool.pool);
    const next = borrowByCallback(pool);
    held.release();
    (await next).release();
    expect(events).toEqual(['enqueue', 'release']);
  });

  it('stop when their listeners are taken off', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    let count = 0;
    const listener = (): void => void (count += 1);
    pool.on('acquire', listener);
    await pool.query('SELECT 1');
    pool.off('acquire', listener);
    await pool.query('SELECT 1');
    expect([count, pool.pool.listenerCount('acquire')]).toEqual([1, 0]);
  });
});

describe('a listener', () => {
  it('of "connection" may set the session up: its statements come before those of the first borrower', async () => {
    await using fixture = await openPool();
    const { pool } = fixture;
    pool.on('connection', (connection) => void connection.query("SET SESSION time_zone = '+03:00'"));
    expect((await pool.query('SELECT @@time_zone AS zone'))[0]).toEqual([{ zone: '+03:00' }]);
  });

  it('that throws is the process’s problem, not the pool’s', async () => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    for (const event of EVENTS) {
      pool.on(event as 'acquire', () => {
        throw new Error(`from ${event}`);
      });
    }
    const stop = pool.watch('opened', () => {
      throw new Error('from opened');
    });

    expect((await pool.query('SELECT 1 AS a'))[0]).toEqual([{ a: 1 }]);
    expect((await pool.query('SELECT 2 AS a'))[0]).toEqual([{ a: 2 }]);
    stop();

    expect(pool.summary()).toMatchObject({ total: 1, used: 0, idle: 1 });
    const messages = uncaught.errors.map((error) => (error as Error).message);
    expect(messages.toSorted()).toEqual(
      ['from acquire', 'from acquire', 'from connection', 'from opened', 'from release', 'from release'].toSorted(),
    );
  });

  it('may use the pool itself', async () => {
    await using fixture = await openPool({ connectionLimit: 2 });
    const { pool } = fixture;
    const answers: Promise<unknown>[] = [];
    for (const event of ['connection', 'acquire', 'release']) {
      pool.once(event, () => answers.push(pool.query('SELECT 1 AS a').then(([rows]) => rows)));
    }
    await pool.query('SELECT 1');
    await waitFor('all listeners', () => answers.length === 3);
    expect(await Promise.all(answers)).toEqual([[{ a: 1 }], [{ a: 1 }], [{ a: 1 }]]);
    expect(pool.summary()).toMatchObject({ used: 0, waiting: 0 });
  });

  it.each(['connection', 'acquire', 'release'] as const)('of "%s" may end the pool: everything settles, nothing is left', async (event) => {
    await using fixture = await openPool({ connectionLimit: 2 });
    const { pool, database } = fixture;
    const ends: Promise<void>[] = [];
    pool.on(event as 'acquire', () => ends.push(pool.end()));
    const borrowed = pool.getConnection().then((connection) => connection.release());
    const settled = await Promise.allSettled([pool.query('SELECT 1'), pool.query('SELECT 2'), borrowed]);
    expect(settled).toHaveLength(3);
    await Promise.all(ends);
    expect(pool.stats()).toMatchObject({ state: 'closed', total: 0, used: 0, waiting: 0 });
    await waitFor('no connection', async () => (await database.serverConnections()) === 0);
  });

  it('of "opened", "closed" and "stateChanged" hears what happens', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const heard: string[] = [];
    pool.watch('opened', () => heard.push('opened'));
    pool.watch('closed', ({ reason }) => heard.push(`closed: ${reason}`));
    pool.watch('stateChanged', ({ from, to }) => heard.push(`${from} → ${to}`));
    await pool.query('SELECT 1');
    pool.suspend();
    pool.resume();
    await pool.end();
    expect(heard).toEqual(['opened', 'running → suspended', 'suspended → running', 'running → closed', 'closed: pool']);
  });
});
