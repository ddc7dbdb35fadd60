import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { knownOptionNames } from '../../../src/mysql/options/table.js';
import { parseDatabaseUrl, type UrlOptions } from '../../../src/mysql/options/url.js';
import { refusalOf } from '../support/refusals.js';

function parse(url: string): UrlOptions {
  return parseDatabaseUrl(url, 'DATABASE_URL', { known: knownOptionNames, text: ['charset', 'hygiene', 'socketPath', 'timezone'] });
}

/** What the parameters of an URL say of TLS. */
function ssl(parameters: string): unknown {
  return parse(`mysql://localhost?${parameters}`).ssl;
}

function refusal(parameters: string): string {
  return refusalOf(() => ssl(parameters));
}

/** Text that is legal in an URL once it is percent-encoded. */
const text = (minLength: number): fc.Arbitrary<string> => fc.string({ unit: 'grapheme', minLength, maxLength: 20 });

/** In a path, . and .. mean something else. */
const segment = text(1).filter((name) => !/^\.{1,2}$/u.test(name));

describe('a database URL', () => {
  it('names host, port, user, password and database', () => {
    expect(parse('mysql://app:secret@db.example.com:3307/shop')).toEqual({
      host: 'db.example.com',
      port: 3307,
      user: 'app',
      password: 'secret',
      database: 'shop',
    });
  });

  it('leaves out what it does not say', () => {
    expect(parse('mysql://db.example.com')).toEqual({ host: 'db.example.com' });
    expect(parse('mysql://app@db.example.com/')).toEqual({ host: 'db.example.com', user: 'app' });
    expect(parse('mysql://app:@db.example.com:3306')).toEqual({ host: 'db.example.com', user: 'app', port: 3306 });
    expect(parse('mysql://:secret@db.example.com')).toEqual({ host: 'db.example.com', password: 'secret' });
  });

  it.each(['mysql', 'mariadb', 'mysql2', 'MySQL'])('may begin with %s:', (protocol) => {
    expect(parse(`${protocol}://app@localhost/shop`)).toEqual({ host: 'localhost', user: 'app', database: 'shop' });
  });

  it('may have white space around it, as a line of an .env file may', () => {
    expect(parse('  mysql://app@localhost/shop\n')).toEqual({ host: 'localhost', user: 'app', database: 'shop' });
  });

  it('gives any percent-encoded credentials and database back as they were', () => {
    fc.assert(
      fc.property(text(1), text(1), segment, (user, password, database) => {
        const url = `mysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@localhost/${encodeURIComponent(database)}`;
        expect(parse(url)).toEqual({ host: 'localhost', user, password, database });
      }),
      { numRuns: 300 },
    );
  });

  it('takes an unencoded @ or : in the password for a part of it, as browsers do', () => {
    expect(parse('mysql://app:p@ss:word@localhost')).toMatchObject({ user: 'app', password: 'p@ss:word', host: 'localhost' });
  });

  it.each([
    ['mysql://app@[::1]/shop', '::1', undefined],
    ['mysql://app@[fd00::2]:3307/shop', 'fd00::2', 3307],
    ['mysql://app@[::ffff:127.0.0.1]:3306/shop', '::ffff:127.0.0.1', 3306],
  ])('takes an IPv6 address in brackets: %s', (url, host, port) => {
    const parsed = parse(url);
    expect([`[${parsed.host}]`, parsed.port]).toEqual([new URL(`http://[${host}]`).hostname, port]);
  });

  it.each([
    'mysql://app@localhost/shop?socketPath=/run/mysqld/mysqld.sock',
    'mysql://app@localhost/shop?socket=/run/mysqld/mysqld.sock',
    'mysql://app@%2Frun%2Fmysqld%2Fmysqld.sock/shop',
    'mysql://app@localhost/shop?socket=%2Frun%2Fmysqld%2Fmysqld.sock',
  ])('names a socket by parameter or as the host: %s', (url) => {
    expect(parse(url)).toMatchObject({ socketPath: '/run/mysqld/mysqld.sock', user: 'app', database: 'shop' });
  });

  it('takes options as parameters, with numbers, booleans and JSON read as such', () => {
    expect(
      parse(
        'mysql://localhost/shop?connectionLimit=50&waitForConnections=false&hygiene=always&timezone=Z&dateStrings=["DATE"]&charset=utf8mb4',
      ),
    ).toEqual({
      host: 'localhost',
      database: 'shop',
      connectionLimit: 50,
      waitForConnections: false,
      hygiene: 'always',
      timezone: 'Z',
      dateStrings: ['DATE'],
      charset: 'utf8mb4',
    });
  });
});

describe('TLS in a database URL', () => {
  it.each([
    ['ssl=true', true],
    ['ssl=1', true],
    ['SSL=true', true],
    ['ssl=false', false],
    ['ssl=0', false],
    ['ssl={"rejectUnauthorized":true}', { rejectUnauthorized: true }],
    ['ssl=%7B%22rejectUnauthorized%22%3Afalse%7D', { rejectUnauthorized: false }],
    ['ssl=Amazon%20RDS', 'Amazon RDS'],
    ['sslaccept=strict', true],
    ['sslaccept=accept_invalid_certs', { rejectUnauthorized: false }],
    ['ssl-mode=DISABLED', false],
    ['ssl-mode=disabled', false],
    ['sslmode=disable', false],
    ['ssl-mode=REQUIRED', { rejectUnauthorized: false }],
    ['ssl-mode=Required', { rejectUnauthorized: false }],
    ['sslmode=require', { rejectUnauthorized: false }],
    ['ssl-mode=VERIFY_CA', { rejectUnauthorized: true, verifyIdentity: false }],
    ['sslmode=verify-ca', { rejectUnauthorized: true, verifyIdentity: false }],
    ['ssl-mode=VERIFY_IDENTITY', true],
    ['sslMode=verify_identity', true],
    ['sslmode=verify-full', true],
    ['ssl=true&sslaccept=strict', true],
    ['ssl=true&ssl-mode=VERIFY_IDENTITY', true],
    ['ssl=false&ssl-mode=DISABLED', false],
  ])('is understood as %s', (parameters, expected) => {
    expect(parse(`mysql://localhost/shop?${parameters}`)).toEqual({ host: 'localhost', database: 'shop', ssl: expected });
  });

  it('names files of certificates, and a certificate without a key is the authority', async () => {
    await using folder = createTemporaryFolder('poolwright-test');
    const at = (name: string): string => join(folder.path, name);
    for (const name of ['ca', 'cert', 'key']) await writeFile(at(name), `the ${name}`);
    expect(ssl(`sslca=${at('ca')}`)).toEqual({ ca: 'the ca' });
    expect(ssl(`ssl-ca=${at('ca')}&ssl-mode=VERIFY_IDENTITY`)).toEqual({ ca: 'the ca' });
    expect(ssl(`sslca=${at('ca')}&sslcert=${at('cert')}&sslkey=${at('key')}`)).toEqual({ ca: 'the ca', cert: 'the cert', key: 'the key' });
    expect(ssl(`ssl-ca=${at('ca')}&ssl-cert=${at('cert')}&ssl-key=${at('key')}`)).toEqual({
      ca: 'the ca',
      cert: 'the cert',
      key: 'the key',
    });
    expect(ssl(`sslcert=${at('cert')}`)).toEqual({ ca: 'the cert' });
    expect(ssl(`sslca=${at('ca')}&ssl-mode=VERIFY_CA`)).toEqual({ ca: 'the ca', rejectUnauthorized: true, verifyIdentity: false });
  });

  it('is refused when it contradicts itself or cannot be understood', () => {
    expect(refusal('ssl=false&ssl-mode=VERIFY_IDENTITY')).toContain('in DATABASE_URL contradict each other');
    expect(refusal('ssl-mode=DISABLED&sslca=/dev/null')).toContain('DATABASE_URL');
    expect(refusal('ssl={"ca":')).toMatch(/^ssl in DATABASE_URL must be true, false, a JSON object, or the name of/u);
    expect(refusal('sslaccept=yes')).toBe("sslaccept in DATABASE_URL must be 'strict' or 'accept_invalid_certs'; given: 'yes'.");
    expect(refusal('ssl-mode=PREFERRED')).toBe(
      "ssl-mode in DATABASE_URL must be DISABLED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY; given: 'PREFERRED'.",
    );
    expect(refusal('sslca=/nowhere/ca.pem')).toMatch(/^sslca in DATABASE_URL cannot be read: ENOENT/u);
  });
});

describe('a database URL that is wrong', () => {
  const FORM = 'expected mysql://user:password@host:3306/database (special characters in user name and password must be percent-encoded)';

  it.each([
    '',
    'localhost:3306',
    '/run/mysqld.sock',
    'mysql://app:se cret@',
    'mysql://app@localhost:70000/shop',
    'mysql://app@localhost:x/shop',
  ])('is refused in words that show the right form: %j', (url) => {
    const words = refusalOf(() => parse(url));
    expect([
      `DATABASE_URL is not a valid URL; ${FORM}.`,
      expect.stringMatching(/^DATABASE_URL must start with one of mysql:\/\/, /u),
    ]).toContainEqual(words);
  });

  it.each(['postgres://app:secret@localhost/shop', 'http://localhost', 'file:///run/mysqld.sock'])(
    'is refused for its protocol: %s',
    (url) => {
      expect(refusalOf(() => parse(url))).toBe(
        `DATABASE_URL must start with one of mysql://, mariadb://, mysql2://; given: ${new URL(url).protocol}//. Expected mysql://user:password@host:3306/database.`,
      );
    },
  );

  it.each([
    ['user', 'mysql://%zz:secret@localhost/shop'],
    ['password', 'mysql://app:100%@localhost/shop'],
    ['password', 'mysql://app:%E0%A4%A@localhost/shop'],
    ['database', 'mysql://app:secret@localhost/%'],
  ])('is refused for bad percent-encoding, naming the part: %s', (part, url) => {
    expect(refusalOf(() => parse(url))).toBe(`The ${part} in DATABASE_URL is not correctly percent-encoded ('%' itself is written %25).`);
  });

  it.each([
    ['conectionLimit', 'connectionLimit'],
    ['connection_limit', 'connectionLimit'],
    ['max', 'connectionLimit'],
    ['poolSize', 'connectionLimit'],
    ['acquireTimeoutMillis', 'acquireTimeout'],
    ['ssl_mode', 'sslmode'],
    ['sslacept', 'sslaccept'],
  ])('is refused for an unknown parameter, with the nearest known one: %s', (parameter, nearest) => {
    expect(refusalOf(() => parse(`mysql://localhost?${parameter}=5`))).toBe(
      `Unknown parameter ${parameter} in DATABASE_URL. Did you mean ${nearest}?`,
    );
  });

  it('is refused for an unknown parameter that is near to none', () => {
    expect(refusalOf(() => parse('mysql://localhost?pgbouncer=true'))).toBe('Unknown parameter pgbouncer in DATABASE_URL.');
  });
});

describe('I13: the refusal of a database URL', () => {
  /** Never part of our own words, so that any five of them in a row are the password. */
  const passwords = fc.string({
    unit: fc.constantFrom('Q', 'Z', 'X', '7', '#', '@', '/', '?', '%', ':', '&', '=', ' ', 'é', '日'),
    minLength: 6,
  });
  const spoilt: readonly ((password: string) => string)[] = [
    (password) => `postgres://app:${password}@localhost/shop`,
    (password) => `mysql://app:${password}@localhost:70000/shop`,
    (password) => `mysql://app:${password}@localhost:port/shop`,
    (password) => `mysql://app:${password}@loc alhost/shop`,
    (password) => `mysql://app:${password}%@localhost/shop`,
    (password) => `mysql://%app:${password}@localhost/shop`,
    (password) => `mysql://app:${password}@localhost/%`,
    (password) => `mysql://app:${password}@%zz/shop`,
    (password) => `mysql://app:${password}@localhost/shop?conectionLimit=5`,
    (password) => `mysql://app:${password}@localhost/shop?ssl={`,
    (password) => `mysql://app:${password}@localhost/shop?ssl-mode=maybe`,
    (password) => `mysql://app:${password}@localhost/shop?ssl=false&sslaccept=strict`,
    (password) => `mysql://app:${password}@localhost/shop?sslca=/nowhere`,
    (password) => `//app:${password}@localhost/shop`,
    (password) => `app:${password}@localhost/shop`,
  ];

  it.each(spoilt.map((spoil) => [spoil('…'), spoil] as const))('has no part of the password in it: %s', (_, spoil) => {
    fc.assert(
      fc.property(passwords, (password) => {
        const encoded = encodeURIComponent(password);
        expect(refusalOf(() => parse(spoil(encoded)), [password, encoded])).not.toBe('');
      }),
      { numRuns: 60 },
    );
  });
});
