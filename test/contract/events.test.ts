import type { EventEmitter } from 'node:events';
import { PoolConnection } from 'mysql2';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { borrow, open, SUBJECTS } from './support/subjects.js';

const EVENTS = ['connection', 'acquire', 'release', 'enqueue'] as const;

function record(emitter: EventEmitter): string[] {
  const events: string[] = [];
  for (const event of EVENTS) emitter.on(event, () => events.push(event));
  return events;
}

describe.each(SUBJECTS)('events of $name', (subject) => {
  it('come in this order for query, execute and getConnection, on both forms', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { pool, callbacks } = fixture;
    const promised = record(pool);
    const called = record(callbacks);
    await pool.query('SELECT 1');
    await waitFor('the release', () => called.length === 3);
    await pool.execute('SELECT 1');
    await waitFor('the release', () => called.length === 5);
    (await pool.getConnection()).release();
    await pool.query('SELECT * FROM missing').catch(() => undefined);
    await waitFor('the release', () => called.length === 9);
    expect(called).toEqual(['connection', 'acquire', 'release', 'acquire', 'release', 'acquire', 'release', 'acquire', 'release']);
    expect(promised).toEqual(called);
  });

  it('"enqueue" reports each waiter for the connection of another; the hand-over itself is silent', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { callbacks } = fixture;
    const held = await borrow(callbacks);
    const events = record(callbacks);
    const next = borrow(callbacks);
    expect(events).toEqual(['enqueue']);
    held.release();
    (await next).release();
    expect(events).toEqual(['enqueue', 'release']);
  });

  it('carry mysql2’s connection, the same that callback borrowers get', async () => {
    await using fixture = await open(subject);
    const { callbacks } = fixture;
    const seen: unknown[] = [];
    for (const event of ['connection', 'acquire', 'release'] as const)
      callbacks.on(event as 'acquire', (connection) => seen.push(connection));
    const connection = await borrow(callbacks);
    connection.release();
    expect(seen).toEqual([connection, connection, connection]);
    expect(connection).toBeInstanceOf(PoolConnection);
  });

  it('"acquire" comes before the borrower is called, "connection" before both', async () => {
    await using fixture = await open(subject);
    const { callbacks } = fixture;
    const events = record(callbacks);
    const connection = await borrow(callbacks);
    expect(events).toEqual(['connection', 'acquire']);
    connection.release();
    expect(events.at(-1)).toBe('release');
  });

  it('what a "connection" listener sends comes before the first borrower’s statement', async () => {
    await using fixture = await open(subject);
    const { pool } = fixture;
    pool.on('connection', (connection) => void connection.query("SET SESSION time_zone = '+03:00'"));
    expect((await pool.query('SELECT @@time_zone AS zone'))[0]).toEqual([{ zone: '+03:00' }]);
  });

  it('an idle connection that the server closes emits "error" with PROTOCOL_CONNECTION_LOST, once, and leaves the pool', async () => {
    await using fixture = await open(subject);
    const { pool, database } = fixture;
    const errors: unknown[] = [];
    pool.once('connection', (connection) => (connection as unknown as EventEmitter).on('error', (error: Error) => errors.push(error)));
    await pool.query('SELECT 1');
    await database.killConnections();
    await waitFor('the error', () => errors.length > 0);
    expect(errors).toMatchObject([{ code: 'PROTOCOL_CONNECTION_LOST', fatal: true }]);
    expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  });

  it('a borrowed connection that the server closes reaches its borrower’s listeners', async () => {
    await using fixture = await open(subject);
    const { pool, callbacks, database } = fixture;
    const errors: unknown[] = [];
    const promised = await pool.getConnection();
    const called = await borrow(callbacks);
    promised.on('error', (error) => errors.push(error));
    called.on('error', (error) => errors.push(error));
    await database.killConnections();
    await waitFor('both errors', () => errors.length === 2);
    expect(errors).toMatchObject([{ code: 'PROTOCOL_CONNECTION_LOST' }, { code: 'PROTOCOL_CONNECTION_LOST' }]);
  });

  it('listeners come off again', async () => {
    await using fixture = await open(subject);
    const { pool } = fixture;
    let heard = 0;
    const listener = (): void => void (heard += 1);
    pool.on('acquire', listener);
    await pool.query('SELECT 1');
    pool.off('acquire', listener);
    await pool.query('SELECT 1');
    expect(heard).toBe(1);
  });
});
