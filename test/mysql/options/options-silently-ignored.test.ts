import { describe, expect, it, vi } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';
import { type ResolvedOptions, resolveOptions } from '../../../src/mysql/options/resolve.js';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import { refusalOf } from '../support/refusals.js';

const URL_TEXT = 'mysql://app:secret@localhost/shop';

function resolve(target: unknown, options?: Record<string, unknown>, environment: Record<string, string> = {}): ResolvedOptions {
  return resolveOptions({ target: target as string, options }, 'own', environment);
}

describe('an option that is given as undefined', () => {
  it('counts as not given: it does not hide what the URL, the first argument or the environment says', () => {
    const { atStart, connection } = resolve(`${URL_TEXT}?connectionLimit=5`, {
      connectionLimit: undefined,
      user: undefined,
      password: undefined,
    });
    expect([atStart.connectionLimit, connection.user, connection.password]).toEqual([5, 'app', 'secret']);
    expect(resolve({ connectionLimit: 5, host: 'localhost' }, { connectionLimit: undefined }).atStart.connectionLimit).toBe(5);
    expect(resolve(URL_TEXT, { connectionLimit: undefined }, { POOLWRIGHT_CONNECTION_LIMIT: '5' }).atStart.connectionLimit).toBe(5);
    expect(resolve(`${URL_TEXT}?ssl-mode=REQUIRED`, { ssl: undefined }).tls.mode).toBe('unverified');
  });
});

describe('a wrong value', () => {
  it.each([
    { resetOnRelease: 'yes' },
    { resetOnRelease: 1 },
    { health: { utilisation: 50 } },
    { health: 'strict' },
    { database: 5 },
    { user: 5 },
    { socketPath: 5 },
    { uri: 'mysql://other@localhost/other' },
  ])('is refused, not silently replaced: %j', (options) => {
    expect(refusalOf(() => resolve(URL_TEXT, options))).not.toBe('');
  });

  it.each([{ timezone: 'Europe/Berlin' }, { charset: 'utf9' }, { charset: 5 }])(
    'of mysql2’s own options is refused by the pool’s own error: %j',
    (options) => {
      const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      try {
        expect(refusalOf(() => createPool(URL_TEXT, { minIdle: 0, ...options } as PoolOptions))).not.toBe('');
        expect(printed).not.toHaveBeenCalled();
      } finally {
        printed.mockRestore();
      }
    },
  );

  it.each([null, 5, true, new URL('mysql://app:secret@db.example.com/shop')])(
    'for the database is refused, instead of a connection to localhost: %s',
    (target) => {
      expect(refusalOf(() => resolve(target))).not.toBe('');
    },
  );

  it('in a URL within the URL is refused', () => {
    expect(refusalOf(() => resolve(`${URL_TEXT}?uri=mysql://other/other`))).not.toBe('');
  });
});

describe('text', () => {
  it('that reads as a number stays text where text is asked for', () => {
    expect(resolve(`${URL_TEXT}?name=5`).atStart.name).toBe('5');
    expect(resolve('mysql://localhost?database=2024').endpoint.database).toBe('2024');
    expect(resolve('mysql://localhost?user=1001').connection.user).toBe('1001');
  });
});

describe('the environment', () => {
  it('may set every option that is a number, a word or a truth value', () => {
    expect(resolve(URL_TEXT, undefined, { POOLWRIGHT_RESET_ON_RELEASE: 'true' }).hygiene).toBe('always');
    expect(resolve('mysql://db.example.com', undefined, { POOLWRIGHT_SSL: 'false' }).tls.mode).toBe('off');
  });

  it('names the database even when options are given: uri defaults to DATABASE_URL', () => {
    expect(resolve({ connectionLimit: 5 }, undefined, { DATABASE_URL: 'mysql://app@db.example.com/shop' }).endpoint.host).toBe(
      'db.example.com',
    );
  });
});
