import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../../src/mysql/options/index.js';
import { createPool } from '../../../src/mysql/create-pool.js';

const NETWORK = { host: 'db.example', user: 'app', enableCleartextPlugin: true, minIdle: 0 };

describe('enableCleartextPlugin, with which the server may ask for the password itself', () => {
  it.each<[string, object]>([
    ['plaintext', { ssl: false }],
    ['TLS that does not look at the certificate', { ssl: { rejectUnauthorized: false } }],
  ])('is refused over a network with %s', (_, options) => {
    expect(() => createPool({ ...NETWORK, ...options })).toThrow(
      expect.objectContaining({
        code: 'POOL_TLS_REQUIRED',
        message: expect.stringContaining('enableCleartextPlugin sends the password itself'),
      }),
    );
  });

  it('is taken with verified TLS, which is the default, on this machine, and from code for mysql2 as mysql2 takes it', () => {
    const options = (target: object, dialect: 'own' | 'mysql2' = 'own') => resolveOptions({ target }, dialect, {}).connection;
    expect(options(NETWORK)).toMatchObject({ enableCleartextPlugin: true });
    expect(options({ ...NETWORK, host: '127.0.0.1' })).toMatchObject({ enableCleartextPlugin: true });
    expect(options({ ...NETWORK, socketPath: '/run/mysqld.sock' })).toMatchObject({ enableCleartextPlugin: true });
    expect(options({ ...NETWORK, ssl: { rejectUnauthorized: false } }, 'mysql2')).toMatchObject({ enableCleartextPlugin: true });
    expect(options({ ...NETWORK, ssl: false, enableCleartextPlugin: false })).toMatchObject({ enableCleartextPlugin: false });
  });
});
