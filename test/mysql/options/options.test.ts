import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { OptionSpec } from '../../../src/engine/contract/option-table.js';
import { poolOptionTable } from '../../../src/engine/contract/options.js';
import { healthThresholdTable } from '../../../src/mysql/observation/health.js';
import { type ResolvedOptions, resolveOptions } from '../../../src/mysql/options/resolve.js';
import { mysqlOptionTable } from '../../../src/mysql/options/table.js';
import { refusalOf } from '../support/refusals.js';

const URL = 'mysql://app:secret@localhost:3307/shop';
const NETWORK_URL = 'mysql://app:secret@db.example.com/shop';
const TIDB_URL = 'mysql://prefix.root:secret@gateway01.eu-central-1.prod.aws.tidbcloud.com:4000/shop';

/** What a caller without types may pass. */
function resolve(
  target: string | Record<string, unknown> | undefined,
  options?: Record<string, unknown>,
  environment: Record<string, string | undefined> = {},
): ResolvedOptions {
  return resolveOptions({ target, options }, 'own', environment);
}

function newCredentials(): object {
  return { password: 'x' };
}

describe('the defaults of createPool', () => {
  it('are those of the design', () => {
    const { atStart, hygiene, tls, health, credentials, onConnect } = resolve(URL);

    expect(atStart).toEqual({
      name: 'shop@localhost:3307',
      connectionLimit: 20,
      minIdle: 1,
      maxIdle: 20,
      waitForConnections: true,
      queueLimit: 0,
      scheduling: 'fifo',
      fairnessLimit: 0,
      waitTarget: 0,
      waitInterval: 100,
      acquireTimeout: 30_000,
      connectTimeout: 10_000,
      connectPatience: 0,
      idleTimeout: 600_000,
      maxLifetime: 1_800_000,
      keepaliveInterval: 120_000,
      validateAfterIdle: 500,
      validationTimeout: 5_000,
      leakDetectionThreshold: 0,
      leakAction: 'report',
      maxUses: 0,
      hookTimeout: 5_000,
    });
    expect({ hygiene, tls, credentials, onConnect }).toEqual({
      hygiene: 'auto',
      tls: { mode: 'off', ssl: undefined },
      credentials: undefined,
      onConnect: undefined,
    });
    expect(health).toEqual({ utilization: 90, utilizationFor: 30_000, waiting: 50, waitPercent: 50, connectErrorFor: 30_000 });
  });

  it('are as the docstrings of the options say', async () => {
    const tables = { ...poolOptionTable, ...mysqlOptionTable, ...healthThresholdTable };
    const sources = ['engine/contract/options.ts', 'mysql/options/table.ts', 'mysql/observation/health.ts'];
    const texts = await Promise.all(
      sources.map((source) => readFile(new globalThis.URL(`../../../src/${source}`, import.meta.url), 'utf8')),
    );
    const documented = new Map<string, string>();
    for (const text of texts) {
      for (const [, comment = '', name = ''] of text.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\s+readonly (\w+)\?:/gu)) {
        const [, words] = /Default: ([^.]+)\./u.exec(comment) ?? [];
        if (words !== undefined) documented.set(name, words);
      }
    }

    for (const [name, spec] of Object.entries<OptionSpec>(tables)) {
      if (spec.kind === 'function') continue;
      const inWords =
        spec.default === undefined ? 'connectionLimit' : typeof spec.default === 'string' ? `'${spec.default}'` : String(spec.default);
      expect([name, documented.get(name)]).toEqual([name, inWords]);
    }
  });

  it('let the maximum of idle connections follow the limit, and the minimum give way to it', () => {
    expect(resolve(URL, { connectionLimit: 5 }).atStart).toMatchObject({ connectionLimit: 5, maxIdle: 5, minIdle: 1 });
    expect(resolve(URL, { maxIdle: 0 }).atStart).toMatchObject({ maxIdle: 0, minIdle: 0 });
  });

  it('name the pool after its database, without user and password', () => {
    expect(resolve(NETWORK_URL).atStart.name).toBe('shop@db.example.com:3306');
    expect(resolve('mysql://app:secret@localhost').atStart.name).toBe('localhost:3306');
    expect(resolve('mysql://app@localhost/shop?socketPath=/run/x.sock').atStart.name).toBe('shop@/run/x.sock');
    expect(resolve(URL, { name: 'orders' }).atStart.name).toBe('orders');
  });

  it.each([
    ['mysql://app@localhost/shop', 'off'],
    ['mysql://app@LOCALHOST/shop', 'off'],
    ['mysql://app@127.0.0.1/shop', 'off'],
    ['mysql://app@127.1.2.3/shop', 'off'],
    ['mysql://app@[::1]/shop', 'off'],
    ['mysql://app@db.localhost/shop', 'off'],
    ['mysql://app@db.example.com/shop?socketPath=/run/x.sock', 'off'],
    ['mysql://app@db.example.com/shop', 'verified'],
    ['mysql://app@192.0.2.7/shop', 'verified'],
    ['mysql://app@[2001:db8::7]/shop', 'verified'],
    ['mysql://app@127.0.0.1.example.com/shop', 'verified'],
    ['mysql://app@localhost.example.com/shop', 'verified'],
    ['mysql://app@0.0.0.0/shop', 'verified'],
  ])('encrypt and verify over a network, and only there: %s', (url, mode) => {
    expect(resolve(url).tls.mode).toBe(mode);
  });

  it('refuse TLS before 1.2, verify the chain and the name, and can be overridden', () => {
    expect(resolve(NETWORK_URL).tls.ssl).toEqual({ minVersion: 'TLSv1.2', rejectUnauthorized: true, verifyIdentity: true });
    expect(resolve(NETWORK_URL, { ssl: { minVersion: 'TLSv1.3', verifyIdentity: false } }).tls).toEqual({
      mode: 'unverified',
      ssl: { minVersion: 'TLSv1.3', rejectUnauthorized: true, verifyIdentity: false },
    });
    expect(resolve(NETWORK_URL, { ssl: { rejectUnauthorized: false } }).tls.mode).toBe('unverified');
    expect(resolve(NETWORK_URL, { ssl: false }).tls).toEqual({ mode: 'off', ssl: undefined });
    expect(resolve(`${NETWORK_URL}?ssl-mode=disabled`).tls.mode).toBe('off');
    expect(resolve(URL, { ssl: true }).tls.mode).toBe('verified');
    expect(resolve(NETWORK_URL, { ssl: 'Amazon RDS' }).tls).toMatchObject({ mode: 'verified', ssl: { ca: expect.anything() } });
  });

  it('never change what the caller gave', () => {
    const ssl = Object.freeze({ ca: 'x' });
    const given = Object.freeze({ uri: NETWORK_URL, ssl, connectionLimit: 3 });
    expect(resolve(given).tls.ssl).toMatchObject({ ca: 'x', verifyIdentity: true });
  });
});

describe('precedence', () => {
  const fromUrl = `${URL}?connectionLimit=6&acquireTimeout=600`;
  const environment = { POOLWRIGHT_CONNECTION_LIMIT: '7', POOLWRIGHT_ACQUIRE_TIMEOUT: '700', POOLWRIGHT_IDLE_TIMEOUT: '7000' };

  it('is arguments, then the URL, then POOLWRIGHT_ variables, then defaults', () => {
    expect(resolve(fromUrl, { connectionLimit: 5 }, environment).atStart).toMatchObject({
      connectionLimit: 5,
      acquireTimeout: 600,
      idleTimeout: 7_000,
      maxLifetime: 1_800_000,
    });
  });

  it('is the same for a URL given as an option and for one in DATABASE_URL', () => {
    const expected = { connectionLimit: 5, acquireTimeout: 600, idleTimeout: 7_000 };
    expect(resolve({ uri: fromUrl, connectionLimit: 5 }, undefined, environment).atStart).toMatchObject(expected);
    expect(resolve({ uri: fromUrl }, { connectionLimit: 5 }, environment).atStart).toMatchObject(expected);
    expect(resolve(undefined, { connectionLimit: 5 }, { ...environment, DATABASE_URL: fromUrl }).atStart).toMatchObject(expected);
  });

  it('puts the second argument before the first, and a named URL before DATABASE_URL', () => {
    const DATABASE_URL = 'mysql://other:other@other.example.com/other';
    expect(resolve({ host: 'a', database: 'first' }, { host: 'b' }, {}).endpoint).toMatchObject({ host: 'b', database: 'first' });
    expect(resolve(URL, undefined, { DATABASE_URL }).endpoint).toMatchObject({ host: 'localhost', port: 3307, database: 'shop' });
    expect(resolve({ uri: URL }, undefined, { DATABASE_URL }).endpoint).toMatchObject({ host: 'localhost' });
  });

  it('lets the environment set every option that is a number, a word or a truth value', () => {
    const { atStart, hygiene } = resolve(URL, undefined, {
      POOLWRIGHT_NAME: 'orders',
      POOLWRIGHT_WAIT_FOR_CONNECTIONS: 'false',
      POOLWRIGHT_VALIDATE_AFTER_IDLE: 'Infinity',
      POOLWRIGHT_HYGIENE: 'always',
      POOLWRIGHT_MIN_IDLE: '',
    });
    expect(atStart).toMatchObject({ name: 'orders', waitForConnections: false, validateAfterIdle: Number.POSITIVE_INFINITY, minIdle: 1 });
    expect(hygiene).toBe('always');
  });

  it('refuses a variable that is nearly an option, and leaves others alone', () => {
    expect(refusalOf(() => resolve(URL, undefined, { POOLWRIGHT_CONECTION_LIMIT: '5' }))).toBe(
      'Unknown environment variable POOLWRIGHT_CONECTION_LIMIT. Did you mean POOLWRIGHT_CONNECTION_LIMIT?',
    );
    expect(refusalOf(() => resolve(URL, undefined, { POOLWRIGHT_HYGEINE: 'auto' }))).toBe(
      'Unknown environment variable POOLWRIGHT_HYGEINE. Did you mean POOLWRIGHT_HYGIENE?',
    );
    expect(resolve(URL, undefined, { POOLWRIGHT_BUILD_NUMBER: '5', NODE_ENV: 'x' }).atStart.connectionLimit).toBe(20);
  });

  it('refuses a bad value in a variable by the name of its option', () => {
    expect(refusalOf(() => resolve(URL, undefined, { POOLWRIGHT_CONNECTION_LIMIT: 'many' }))).toBe(
      "connectionLimit must be a whole number from 1 to 100000; given: 'many'.",
    );
  });

  it('refuses to guess when no database was named', () => {
    for (const nothing of [{}, { DATABASE_URL: '' }]) {
      expect(refusalOf(() => resolve(undefined, undefined, nothing))).toContain(
        'No database was named: set DATABASE_URL to mysql://user:password@host:3306/database, or pass a URL or ',
      );
    }
    expect(refusalOf(() => resolve(undefined, undefined, { DATABASE_URL: 'nonsense' }))).toMatch(/^DATABASE_URL is not a valid URL/u);
    expect(refusalOf(() => resolve('nonsense'))).toMatch(/^The database URL is not a valid URL/u);
  });
});

describe('an option that is wrong', () => {
  const limit = 'a whole number from 1 to 100000';

  it.each([
    [{ connectionLimit: 0 }, `connectionLimit must be ${limit}; given: 0.`],
    [{ connectionLimit: -1 }, `connectionLimit must be ${limit}; given: -1.`],
    [{ connectionLimit: 1.5 }, `connectionLimit must be ${limit}; given: 1.5.`],
    [{ connectionLimit: 'ten' }, `connectionLimit must be ${limit}; given: 'ten'.`],
    [{ connectionLimit: Number.NaN }, `connectionLimit must be ${limit}; given: NaN.`],
    [{ connectionLimit: null }, `connectionLimit must be ${limit}; given: null.`],
    [{ minIdle: 6, connectionLimit: 5 }, 'minIdle (6) must not be above connectionLimit (5).'],
    [{ maxIdle: 6, connectionLimit: 5 }, 'maxIdle (6) must not be above connectionLimit (5).'],
    [{ minIdle: 3, maxIdle: 2 }, 'minIdle (3) must not be above maxIdle (2).'],
    [{ acquireTimeout: -1 }, 'acquireTimeout must be a whole number from 0 to 31536000000; given: -1.'],
    [{ validationTimeout: 0 }, 'validationTimeout must be a whole number from 1 to 31536000000; given: 0.'],
    [{ port: 0 }, 'port must be a whole number from 1 to 65535; given: 0.'],
    [{ port: 70_000 }, 'port must be a whole number from 1 to 65535; given: 70000.'],
    [{ port: null }, 'port must be a whole number from 1 to 65535; given: null.'],
    [{ port: 'x' }, "port must be a whole number from 1 to 65535; given: 'x'."],
    [{ port: 33.06 }, 'port must be a whole number from 1 to 65535; given: 33.06.'],
    [{ host: '' }, "host must be a host name or an address; given: ''."],
    [{ host: 5 }, 'host must be '],
    [{ hygiene: 'sometimes' }, "hygiene must be one of 'auto', 'transaction', 'always', 'never'; given: 'sometimes'."],
    [{ onConnect: {} }, 'onConnect must be a function; given: '],
    [{ ssl: 'Azure' }, "ssl must be true, false, an object of TLS options, or the name of one of mysql2's profiles; given: "],
    [{ ssl: 5 }, "ssl must be true, false, an object of TLS options, or the name of one of mysql2's profiles; given: "],
    [{ ssl: null }, "ssl must be true, false, an object of TLS options, or the name of one of mysql2's profiles; given: "],
    [{ health: { utilization: 101 } }, 'utilization must be a whole number from 1 to 100; given: 101.'],
  ])('is refused with its name, what was given and what is allowed: %j', (options, message) => {
    expect(refusalOf(() => resolve(URL, options))).toContain(message);
  });

  it('is refused before it is used: a URL that is no text', () => {
    expect(refusalOf(() => resolve({ uri: 5 }))).toBe('uri must be text; given: a value of type number.');
  });

  it('is refused in a URL as in an argument', () => {
    expect(refusalOf(() => resolve(`${URL}?connectionLimit=0`))).toBe(`connectionLimit must be ${limit}; given: 0.`);
    expect(refusalOf(() => resolve('mysql://app@localhost:0/shop'))).toBe('port must be a whole number from 1 to 65535; given: 0.');
  });

  it.each([
    ['conectionLimit', 'connectionLimit'],
    ['connectionlimit', 'connectionLimit'],
    ['max', 'connectionLimit'],
    ['poolSize', 'connectionLimit'],
    ['maximumPoolSize', 'connectionLimit'],
    ['min', 'minIdle'],
    ['acquireTimeoutMillis', 'acquireTimeout'],
    ['idleTimeoutMillis', 'idleTimeout'],
    ['connectionTimeoutMillis', 'connectTimeout'],
    ['maxWaitingClients', 'queueLimit'],
    ['multiStatements', 'multipleStatements'],
    ['pasword', 'password'],
  ])('is refused when it is unknown, with the nearest known name: %s', (name, nearest) => {
    expect(refusalOf(() => resolve(URL, { [name]: 5 }))).toBe(`Unknown option ${name}. Did you mean ${nearest}?`);
  });

  it('is refused when it contradicts another', () => {
    expect(refusalOf(() => resolve('mysql://app@localhost', { credentials: newCredentials, password: 'secret' }), ['secret'])).toBe(
      'password and credentials contradict each other: give one of them.',
    );
    expect(refusalOf(() => resolve(URL, { credentials: newCredentials }), ['secret'])).toBe(
      'password and credentials contradict each other: give one of them.',
    );
    expect(refusalOf(() => resolve(URL, { resetOnRelease: true, hygiene: 'auto' }))).toBe(
      "resetOnRelease: true and hygiene: 'auto' contradict each other: give one of them.",
    );
    expect(resolve(URL, { resetOnRelease: true, hygiene: 'always' }).hygiene).toBe('always');
    expect(resolve(URL, { resetOnRelease: true }).hygiene).toBe('always');
    expect(resolve(`${URL}?resetOnRelease=true`).hygiene).toBe('always');
    expect(resolve(URL, { resetOnRelease: false }).hygiene).toBe('auto');
  });

  it('is not zero: zero is a value', () => {
    const zeros = { acquireTimeout: 0, connectTimeout: 0, idleTimeout: 0, maxLifetime: 0, keepaliveInterval: 0, validateAfterIdle: 0 };
    expect(resolve(URL, { ...zeros, minIdle: 0, queueLimit: 0 }).atStart).toMatchObject({ ...zeros, minIdle: 0, queueLimit: 0 });
  });
});

describe('on a TiDB Cloud host', () => {
  it('connections live for five minutes, unless an option says otherwise', () => {
    expect(resolve(TIDB_URL).atStart.maxLifetime).toBe(300_000);
    expect(resolve(TIDB_URL.replace('tidbcloud.com', 'TiDBCloud.com')).atStart.maxLifetime).toBe(300_000);
    expect(resolve(TIDB_URL, { maxLifetime: 60_000 }).atStart.maxLifetime).toBe(60_000);
    expect(resolve(`${TIDB_URL}?maxLifetime=0`).atStart.maxLifetime).toBe(0);
    expect(resolve(TIDB_URL, undefined, { POOLWRIGHT_MAX_LIFETIME: '70000' }).atStart.maxLifetime).toBe(70_000);
    expect(resolve('mysql://app@nottidbcloud.com/shop').atStart.maxLifetime).toBe(1_800_000);
  });

  it('TLS is verified by default, and plaintext is refused however it is asked for', () => {
    expect(resolve(TIDB_URL).tls.mode).toBe('verified');
    expect(resolve(`${TIDB_URL}?ssl={"rejectUnauthorized":true}`).tls.mode).toBe('verified');
    for (const ask of [
      (): unknown => resolve(TIDB_URL, { ssl: false }),
      (): unknown => resolve(`${TIDB_URL}?ssl=false`),
      (): unknown => resolve(`${TIDB_URL}?ssl-mode=DISABLED`),
    ]) {
      expect(ask).toThrow(
        expect.objectContaining({
          code: 'POOL_TLS_REQUIRED',
          message:
            'gateway01.eu-central-1.prod.aws.tidbcloud.com is a TiDB Cloud host, which refuses plaintext: leave ssl out, or set it to true.',
        }),
      );
    }
  });
});
