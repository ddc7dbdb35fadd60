import { describe, expect, it } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';
import { resolveOptions } from '../../../src/mysql/options/resolve.js';
import { createDatabase } from '../../support/servers/database.js';
import { leaksIn, refusalOf } from '../support/refusals.js';
import { errorOf } from '../../support/pool-on-database.js';

const SECRET = 'Qx7ZzQx7Zz';
const BASE = `mysql://app:${SECRET}@db.example.com/shop`;
const read = (url: string, dialect: 'own' | 'mysql2' = 'own'): unknown => resolveOptions({ target: url }, dialect, {});

describe('credentials() that give more than a login', () => {
  it.each([
    { host: 'qqxxzzvvkk' },
    { port: 3307 },
    { ssl: false },
    { socketPath: '/tmp/other.sock' },
    { uri: 'mysql://qqxxzzvvkk' },
    // A secret of AWS Secrets Manager, spread.
    { username: 'app', engine: 'mysql', host: 'qqxxzzvvkk', port: 3306, dbname: 'shop', dbInstanceIdentifier: 'shop-1' },
    { username: 'app' },
    { user: 5 },
  ])('are refused, and nothing is sent: %o', async (more) => {
    await using database = await createDatabase();
    const { password: _, ...address } = database.connection;
    await using pool = createPool({
      ...address,
      minIdle: 0,
      credentials: () => ({ user: database.user, password: SECRET, ...more }) as never,
    });
    const error = await errorOf(pool.query('SELECT 1'));
    expect(error).toMatchObject({ code: 'POOL_OPTION_INVALID' });
    expect(error.message).toContain(Object.keys(more)[0] === 'username' && 'host' in more ? 'host' : Object.keys(more)[0]);
    expect(leaksIn(error, [SECRET, 'qqxxzzvvkk'])).toEqual([]);
  });

  it('say in the refusal what a secret store’s words are here', async () => {
    await using database = await createDatabase();
    const { password: _, ...address } = database.connection;
    await using pool = createPool({ ...address, minIdle: 0, credentials: () => ({ username: database.user, password: SECRET }) as never });
    expect((await errorOf(pool.query('SELECT 1'))).message).toContain('what the secret calls username is user');
  });

  it.each([undefined, null, true, 5, []])('are refused when they are none: %o', async (given) => {
    await using database = await createDatabase();
    const { password: _, ...address } = database.connection;
    await using pool = createPool({ ...address, minIdle: 0, credentials: () => given as never });
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_OPTION_INVALID' });
  });
});

describe('I13: a URL', () => {
  it.each([
    `mysql://app:pa@s/${SECRET}@db.example.com/shop`,
    `mysql://app:pa@s?${SECRET}@db.example.com/shop`,
    `mysql://app:pa@s?${SECRET}`,
    `mysql://app:pa@s/%2F?${SECRET}@h=1`,
  ])('in which part of a password would be a host or a parameter is refused, and not shown: %s', (url) => {
    expect(refusalOf(() => read(url), [SECRET])).not.toBe('');
  });

  it('of the drop-in, in the same way', () => {
    expect(refusalOf(() => read(`mysql://app:pa@s/${SECRET}@db.example.com/shop`, 'mysql2'), [SECRET])).not.toBe('');
  });

  it.each([
    'connectionLimit=5&connectionLimit=6',
    'ssl=true&ssl=false',
    'ssl=false&sslmode=VERIFY_IDENTITY',
    'sslca=/a.pem&ssl-ca=/b.pem',
    'socket=/a&socketPath=/b',
    `password=${SECRET}2`,
    'host=qqxxzzvvkk',
    'database=other',
    'user=other',
    'ssl={"verifyIdentity":0}',
    'ssl={"rejectUnauthorized":"false"}',
  ])('whose parameters contradict each other, or what stands before them, is refused: %s', (parameters) => {
    expect(refusalOf(() => read(`${BASE}?${parameters}`), [SECRET])).not.toBe('');
  });

  it.each(['connectionLimit=5&connectionLimit=5', 'ssl=true&ssl=1', 'database=shop', 'user=app'])(
    'that says the same twice is read: %s',
    (parameters) => {
      expect(read(`${BASE}?${parameters}`)).toMatchObject({ endpoint: { host: 'db.example.com', database: 'shop' } });
    },
  );
});

describe('ssl', () => {
  it.each([0, 1, 'false', 'true', null])('with a check that is %o, and not true or false, is refused', (value) => {
    for (const name of ['verifyIdentity', 'rejectUnauthorized']) {
      const message = refusalOf(() => resolveOptions({ target: { host: 'db.example.com', ssl: { [name]: value } as never } }, 'own', {}));
      expect(message).toContain(`ssl.${name} must be true or false`);
    }
  });
});
