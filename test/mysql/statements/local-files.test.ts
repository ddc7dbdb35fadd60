import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { captureUncaught } from '../support/uncaught.js';
import { errorOf, openPool, valueOf } from '../../support/pool-on-database.js';

function failed(error?: Error): Readable {
  const stream = new PassThrough();
  stream.destroy(error);
  return stream;
}

function destroyedLater(): Readable {
  const stream = new PassThrough();
  setImmediate(() => stream.destroy());
  return stream;
}

const FAILING: Readonly<Record<string, () => unknown>> = {
  'is destroyed without an error': destroyedLater,
  'was destroyed before': () => failed(),
  'has failed before': () => failed(new Error('gone')),
  'holds objects': () => Readable.from([{ a: 1 }]),
  'was never made: the factory throws': () => {
    throw new Error('no');
  },
  'was never made: the factory throws nothing': () => {
    // oxlint-disable-next-line typescript/only-throw-error -- Callers can.
    throw undefined;
  },
  'was never made: the factory rejects': () => Promise.reject(new Error('no')),
  'is no stream': () => 5,
};

describe('I2: LOAD DATA LOCAL whose stream', () => {
  it.each(Object.entries(FAILING))('%s ends with an error, and its connection serves the next', async (_kind, infileStreamFactory) => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('CREATE TABLE words (word VARCHAR(50))');
    const sql = 'LOAD DATA LOCAL INFILE "file" INTO TABLE words';
    expect(await errorOf(pool.query({ sql, infileStreamFactory } as never))).toBeInstanceOf(Error);
    expect(await valueOf(pool, "'served'")).toBe('served');
    expect(pool.stats()).toMatchObject({ opened: 1, closed: 0 });
    expect(uncaught.errors).toEqual([]);
  });

  it('holds texts is loaded as they are', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('CREATE TABLE words (word VARCHAR(50))');
    await pool.query({
      sql: 'LOAD DATA LOCAL INFILE "file" INTO TABLE words',
      infileStreamFactory: () => Readable.from(['é\n', '', 'b\n']),
    });
    expect(await valueOf(pool, '(SELECT GROUP_CONCAT(word ORDER BY word) FROM words)')).toBe('b,é');
  });

  it('says nothing is stopped with its statement, and closed', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    await pool.query('CREATE TABLE words (word VARCHAR(50))');
    const silent = new PassThrough();
    const abort = new AbortController();
    const infileStreamFactory = (): Readable => {
      setImmediate(() => abort.abort());
      return silent;
    };
    const options = { sql: 'LOAD DATA LOCAL INFILE "file" INTO TABLE words', infileStreamFactory, signal: abort.signal };
    expect(await errorOf(pool.query(options))).toMatchObject({ code: 'POOL_ABORTED' });
    expect(await valueOf(pool, '(SELECT COUNT(*) FROM words)')).toBe(0);
    expect(silent.destroyed).toBe(true);
    expect(pool.stats()).toMatchObject({ opened: 1, closed: 0 });
  });
});
