import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { LARGEST_CONNECTION_LIMIT, PoolError } from '../../src/engine/index.js';
import type { DropInOptions } from '../../src/mysql/options/mysql2-dialect.js';
import { type ResolvedOptions, resolveOptions } from '../../src/mysql/options/resolve.js';
import { defaultsInMysql2 } from '../../src/mysql/options/table.js';

/** What a caller without types may pass. */
function resolve(config: string | Record<string, unknown>, environment: Record<string, string> = {}): ResolvedOptions {
  return resolveOptions({ target: config }, 'mysql2', environment);
}

function outcomeOfResolving(config: string | Record<string, unknown>): { readonly error?: unknown } {
  try {
    resolve(config);
    return {};
  } catch (error) {
    return { error };
  }
}

describe('the options of a pool that stands in for mysql2’s', () => {
  it('have mysql2’s defaults where mysql2 has them, and Poolwright’s elsewhere', () => {
    const { atStart, hygiene, tls } = resolve({});
    expect(atStart).toMatchObject({
      name: 'localhost:3306',
      connectionLimit: 10,
      minIdle: 0,
      maxIdle: 10,
      waitForConnections: true,
      queueLimit: 0,
      acquireTimeout: 0,
      connectTimeout: 10_000,
      idleTimeout: 60_000,
      maxLifetime: 1_800_000,
      keepaliveInterval: 120_000,
      validateAfterIdle: 500,
      validationTimeout: 5_000,
      leakDetectionThreshold: 0,
    });
    expect(hygiene).toBe('transaction');
    expect(tls).toEqual({ mode: 'off', ssl: undefined });
    const { hygiene: defaultHygiene, breakers, retries, ...poolDefaults } = defaultsInMysql2;
    expect(atStart).toMatchObject(poolDefaults);
    expect([hygiene, breakers, retries]).toEqual([defaultHygiene, false, false]);
  });

  it.each([
    [{ connectionLimit: '7' }, { connectionLimit: 7, maxIdle: 7 }],
    [{ connectionLimit: 'many' }, { connectionLimit: 10 }],
    [{ connectionLimit: undefined }, { connectionLimit: 10 }],
    [{ connectionLimit: 0 }, { connectionLimit: 100_000 }],
    [{ connectionLimit: Number.POSITIVE_INFINITY }, { connectionLimit: 100_000 }],
    [
      { connectionLimit: 3, maxIdle: 5 },
      { connectionLimit: 3, maxIdle: 3 },
    ],
    [{ connectionLimit: 3, maxIdle: 0 }, { maxIdle: 0 }],
    [{ waitForConnections: 0 }, { waitForConnections: false }],
    [
      { queueLimit: Number.POSITIVE_INFINITY, idleTimeout: Number.POSITIVE_INFINITY },
      { queueLimit: 0, idleTimeout: 0 },
    ],
    [
      { queueLimit: '4', idleTimeout: 'x', connectTimeout: '250' },
      { queueLimit: 4, idleTimeout: 60_000, connectTimeout: 250 },
    ],
  ])('are read as mysql2 reads them: %j', (given, expected) => {
    expect(resolve(given).atStart).toMatchObject(expected);
  });

  it('resetOnRelease is the same as hygiene: always', () => {
    expect(resolve({ resetOnRelease: true }).hygiene).toBe('always');
    expect(resolve({ resetOnRelease: false }).hygiene).toBe('transaction');
    expect(resolve({ hygiene: 'never' }).hygiene).toBe('never');
  });

  it('a URL is read as mysql2 reads it, and gives way to the options beside it', () => {
    const url = 'mysql://app:s%40cret@[::1]:3307/shop?connectionLimit=5&dateStrings=true';
    expect(resolve(url)).toMatchObject({
      atStart: { connectionLimit: 5 },
      endpoint: { host: '::1', port: 3307, database: 'shop' },
      connection: { user: 'app', password: 's@cret', dateStrings: true },
    });
    expect(resolve({ uri: url, database: 'other', password: '' })).toMatchObject({
      endpoint: { host: '::1', database: 'other' },
      connection: { password: 's@cret' },
    });
    const given = { uri: url };
    resolve(given);
    expect(given).toEqual({ uri: url });
  });

  it('I13: a URL that cannot be read is refused with mysql2’s error, which does not quote it', () => {
    for (const config of ['my secret', { uri: 'mysql://app:my secret@a b/shop' }]) {
      const { error } = outcomeOfResolving(config);
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_URL', message: 'Invalid URL' });
      expect(inspect(error)).not.toContain('secret');
    }
  });

  it('DATABASE_URL says nothing to code that was written for mysql2', () => {
    expect(resolve({ user: 'app' }, { DATABASE_URL: 'mysql://elsewhere/db' }).endpoint.host).toBe('localhost');
  });

  it('come from the environment where the code says nothing', () => {
    const environment = { POOLWRIGHT_CONNECTION_LIMIT: '50', POOLWRIGHT_ACQUIRE_TIMEOUT: '2000', POOLWRIGHT_RESET_ON_RELEASE: '1' };
    expect(resolve({}, environment)).toMatchObject({ atStart: { connectionLimit: 50, acquireTimeout: 2_000 }, hygiene: 'always' });
    expect(resolve({ connectionLimit: 5 }, environment).atStart.connectionLimit).toBe(5);
    expect(resolve({}, { POOLWRIGHT_CONNECTION_LIMIT: '0' }).atStart.connectionLimit).toBe(LARGEST_CONNECTION_LIMIT);
    expect(() => resolve({}, { POOLWRIGHT_CONNECTION_LIMIT: 'many' })).toThrow(/^connectionLimit must be a whole number/);
    expect(() => resolve({}, { POOLWRIGHT_ACQUIRE_TIMEOUTS: '1' })).toThrow('Did you mean POOLWRIGHT_ACQUIRE_TIMEOUT?');
  });

  it('ssl is passed on as it is given, as one object for all connections', () => {
    const ssl = { rejectUnauthorized: true, verifyIdentity: true };
    expect(resolve({ host: 'db.example.com', ssl }).connection.ssl).toBe(ssl);
    expect(resolve({ ssl }).tls.mode).toBe('verified');
    expect(resolve({ ssl: { rejectUnauthorized: false } }).tls.mode).toBe('unverified');
    expect(resolve({ ssl: 'Amazon RDS' }).connection.ssl).toBe('Amazon RDS');
    expect(resolve({ host: 'db.example.com' }, { POOLWRIGHT_SSL: 'true' }).tls.mode).toBe('verified');
  });

  it('Poolwright’s own are checked', () => {
    const refused = (config: Record<string, unknown>): unknown => {
      const { error } = outcomeOfResolving(config);
      return PoolError.is(error) && error.code;
    };
    expect(refused({ acquireTimeout: -1 })).toBe('POOL_OPTION_INVALID');
    expect(refused({ hygiene: 'sometimes' })).toBe('POOL_OPTION_INVALID');
    expect(refused({ health: { nonsense: 1 } })).toBe('POOL_OPTION_INVALID');
    // A pool that could never lend anything: mysql2 lets every caller wait forever.
    expect(refused({ connectionLimit: -1 })).toBe('POOL_OPTION_INVALID');
  });

  it('what mysql2 does not know either, it says, once, and continues', async () => {
    const { createCallbackPool } = await import('../../src/mysql/drop-in.js');
    const errors = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    try {
      const pool = createCallbackPool({ host: '127.0.0.1', connectionLimit: 2, acquireTimeout: 5, somethingElse: 1 } as DropInOptions);
      expect(errors.mock.calls.map(([text]) => String(text))).toEqual([expect.stringContaining('somethingElse')]);
      await new Promise((ended) => {
        pool.end(ended);
      });
    } finally {
      vi.restoreAllMocks();
    }
  });
});
