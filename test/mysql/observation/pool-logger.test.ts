import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';
import { createDatabase } from '../../support/servers/database.js';
import { freePort } from '../../support/network/free-port.js';
import { waitFor } from '../../support/wait-for.js';

/** A logger of pino, and the lines that it has written. */
function pinoInMemory() {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  return { lines, logger: pino({ level: 'debug' }, stream) };
}

const WARN = 40;
const ERROR = 50;

describe('the option logger', () => {
  it('takes a logger of pino, and gets structured events with reasons', async () => {
    await using database = await createDatabase();
    const { lines, logger } = pinoInMemory();
    const pool = createPool(database.url(), { name: 'orders', logger, minIdle: 0, leakDetectionThreshold: 50 });
    const held = await pool.getConnection();
    await waitFor('the leak', () => lines.some(({ event }) => event === 'leak'));
    held.release();
    await database.killConnections();
    await waitFor('the loss', () => lines.some(({ event, reason }) => event === 'connection-closed' && reason === 'lost'));
    await pool.drain();
    const of = (event: string) => lines.find((line) => line['event'] === event);
    expect(of('connection-opened')).toMatchObject({
      pool: 'orders',
      connection: 1,
      openMs: expect.any(Number) as number,
      msg: 'connection opened',
    });
    expect(of('leak')).toMatchObject({ level: WARN, connection: 1, stack: expect.stringContaining('pool-logger.test') as string });
    expect(of('leak-returned')).toMatchObject({ connection: 1, heldMs: expect.any(Number) as number });
    expect(lines.find(({ reason }) => reason === 'lost')).toMatchObject({ level: WARN, ageMs: expect.any(Number) as number });
    expect(of('state-changed')).toMatchObject({ from: 'running', to: 'draining' });
    expect(of('drained')).toMatchObject({ complete: true, cutOff: [] });
    expect(JSON.stringify(lines)).not.toContain(database.password);
  });

  it('gets at most ten lines of a kind in ten seconds, and learns how many were left out', async () => {
    const { lines, logger } = pinoInMemory();
    const port = await freePort();
    const pool = createPool(`mysql://root:sesame@127.0.0.1:${port}/x`, { name: 'away', logger, minIdle: 0 });
    await waitFor('more failures than lines', async () => {
      await pool.getConnection({ timeout: 2_000 }).catch(() => undefined);
      return pool.stats().connectErrors > 12;
    });
    const failures = lines.filter(({ event }) => event === 'connect-failed');
    expect(failures[0]).toMatchObject({ level: ERROR, code: 'ECONNREFUSED', pool: 'away', retryInMs: expect.any(Number) as number });
    expect(failures.length).toBeLessThan(pool.stats().connectErrors);
    expect(JSON.stringify(lines)).not.toContain('sesame');
    await pool.end();
  });

  it('gets the changes of breakers: why one opened, and that it has closed', async () => {
    await using database = await createDatabase();
    const { lines, logger } = pinoInMemory();
    const pool = createPool(database.url(), { name: 'orders', logger, minIdle: 0 });
    const letGo = pool.breakers.statement.isolate('maintenance');
    letGo();
    pool.breakers.connect.open('the network is worked on');
    expect(lines.filter(({ event }) => String(event).startsWith('breaker-'))).toMatchObject([
      { level: WARN, event: 'breaker-isolated', pool: 'orders', breaker: 'statement', from: 'closed', reason: 'maintenance' },
      { event: 'breaker-closed', breaker: 'statement', from: 'isolated' },
      { level: ERROR, event: 'breaker-open', breaker: 'connect', reason: 'the network is worked on', msg: "breaker 'connect' is open" },
    ]);
    await pool.end();
  });

  it('may throw without harm, and must be a logger', async () => {
    await using database = await createDatabase();
    const broken = () => {
      throw new Error('disk full');
    };
    const pool = createPool(database.url(), { logger: { debug: broken, info: broken, warn: broken, error: broken } });
    const [rows] = await pool.query('SELECT 1 AS one');
    expect(rows).toEqual([{ one: 1 }]);
    await pool.end();
    expect(() => createPool(database.url(), { logger: { info: broken } as never })).toThrow(
      /logger must be an object with the methods debug, info, warn and error/,
    );
    expect(() => createPool(database.url(), { logger: 'console' as never })).toThrow(/logger must be/);
  });
});
