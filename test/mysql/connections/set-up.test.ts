import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { createDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';
import { leaksIn } from '../support/refusals.js';
import { connectionId, errorOf, firstRow, openPool, valueOf } from '../../support/pool-on-database.js';

const BERLIN: PoolOptions = {
  onConnect: async (connection) => {
    await connection.query("SET SESSION time_zone = '+02:00', @tenant = 'acme'");
    await connection.query('CREATE TEMPORARY TABLE scratch (id INT)');
  },
};
const BASELINE = 'SELECT @@time_zone AS zone, @tenant AS tenant, @x AS x, (SELECT COUNT(*) FROM scratch) AS scratch, CONNECTION_ID() AS id';

/** A pool with its own way to get credentials. */
function poolAt(address: PoolOptions, options: PoolOptions): Pool {
  return createPool({ ...address, minIdle: 0, ...options });
}

describe('onConnect', () => {
  it('sets every session up before it is lent', async () => {
    await using fixture = await openPool({ ...BERLIN, connectionLimit: 3 });
    const zones = await Promise.all([1, 2, 3].map(() => valueOf(fixture.pool, 'CONCAT(@@time_zone, @tenant, SLEEP(0.02))')));
    expect(zones).toEqual(['+02:00acme0', '+02:00acme0', '+02:00acme0']);
    expect(fixture.pool.stats().opened).toBe(3);
  });

  it.each(['auto', 'always'] as const)(
    "I8: what it sets up survives a reset, under hygiene '%s', on the same connection",
    async (hygiene) => {
      await using fixture = await openPool({ ...BERLIN, connectionLimit: 1, hygiene });
      const { pool } = fixture;
      const id = await connectionId(pool);
      for (let round = 0; round < 3; round += 1) {
        expect(await firstRow(pool, BASELINE)).toEqual({ zone: '+02:00', tenant: 'acme', x: null, scratch: 0, id });
        await using connection = await pool.getConnection();
        await connection.query("SET @x = 1, @tenant = 'other', time_zone = '+05:00'");
        await connection.query('INSERT INTO scratch VALUES (1)');
      }
      expect(await firstRow(pool, BASELINE)).toEqual({ zone: '+02:00', tenant: 'acme', x: null, scratch: 0, id });
      expect(pool.stats().closed).toBe(0);
    },
  );

  it("is not a borrower's doing: a session that only it has changed is not reset under 'auto'", async () => {
    await using fixture = await openPool({ ...BERLIN, connectionLimit: 1 });
    await fixture.pool.query('SELECT 1');
    await fixture.pool.query('SELECT 1');
    expect(fixture.pool.stats()).toMatchObject({ resets: 0, opened: 1 });
  });

  it('that throws is a failure to connect, which waiters get with its cause', async () => {
    const cause = new Error('no such tenant');
    await using fixture = await openPool({
      onConnect: () => {
        throw cause;
      },
    });
    const { pool, database } = fixture;
    const error = await errorOf(pool.query('SELECT 1'));
    expect(error).toMatchObject({ code: 'POOL_CONNECT_FAILED', message: 'Could not connect: no such tenant (Error).' });
    expect(error.cause).toBe(cause);
    expect(await errorOf(pool.getConnection())).toMatchObject({ code: 'POOL_CONNECT_FAILED' });
    await pool.end();
    expect(await database.serverConnections()).toBe(0);
  });

  it('that throws once is tried again on a new connection', async () => {
    let calls = 0;
    await using fixture = await openPool({
      connectionLimit: 1,
      onConnect: async (connection) => {
        calls += 1;
        if (calls === 1) await connection.query('SELECT * FROM missing');
      },
    });
    expect(await errorOf(fixture.pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 1146 } });
    expect(await valueOf(fixture.pool, '1')).toBe(1);
  });

  it('that hangs is cut off by connectTimeout, and its connection closed', async () => {
    await using fixture = await openPool({ connectTimeout: 150, onConnect: () => new Promise(() => undefined) });
    const { pool, database } = fixture;
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { code: 'ETIMEDOUT' } });
    await pool.end();
    expect(await database.serverConnections()).toBe(0);
  });

  it('that hangs on a statement is cut off as well', async () => {
    await using fixture = await openPool({
      connectTimeout: 150,
      onConnect: async (connection) => void (await connection.query('SELECT SLEEP(20)')),
    });
    expect(await errorOf(fixture.pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED' });
  });

  it('that fails when it is replayed has its connection replaced, and no caller sees it', async () => {
    let calls = 0;
    await using fixture = await openPool({
      connectionLimit: 1,
      onConnect: async (connection) => {
        calls += 1;
        await connection.query('SET @set_up = ?', [calls]);
        if (calls === 2) throw new Error('not this time');
      },
    });
    const { pool } = fixture;
    await pool.query('SET @x = 1');
    expect(await firstRow(pool, 'SELECT @x AS x, @set_up AS setUp')).toEqual({ x: null, setUp: 3 });
    expect(pool.stats().closedByReason.hygiene).toBe(1);
  });
});

describe('I8: a "connection" listener', () => {
  it('sets sessions up that stay so, no matter what borrowers do', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    pool.on('connection', (connection) => void connection.query("SET SESSION time_zone = '+02:00'"));
    for (let round = 0; round < 3; round += 1) {
      expect(await firstRow(pool, 'SELECT @@time_zone AS zone, @x AS x')).toEqual({ zone: '+02:00', x: null });
      await pool.query("SET time_zone = '+05:00', @x = 1");
    }
  });
});

describe('credentials', () => {
  it('are asked for once for connections that are opened together, again for later ones, and may be a promise', async () => {
    await using database = await createDatabase();
    const { user, password } = database;
    let calls = 0;
    const { password: _, ...address } = database.connection;
    await using pool = poolAt(address, {
      connectionLimit: 3,
      credentials: async () => {
        calls += 1;
        await delay(1);
        return { user, password };
      },
    });
    await Promise.all([1, 2, 3].map(() => pool.query('SELECT SLEEP(0.02)')));
    expect([calls, pool.stats().opened]).toEqual([1, 3]);
    pool.evict();
    await pool.query('SELECT 1');
    expect(calls).toBe(2);
    expect(await valueOf(pool, 'CURRENT_USER()')).toBe(`${user}@%`);
  });

  it('follow a rotated password: evict() moves every connection to the new one', async () => {
    await using database = await createDatabase();
    const { user } = database;
    let { password } = database;
    const { password: _, ...address } = database.connection;
    await using pool = poolAt(address, {
      connectionLimit: 2,
      credentials: () => ({ user, password }),
    });
    const before = await connectionId(pool);
    await database.admin(`ALTER USER '${user}'@'%' IDENTIFIED BY 'rotated'`);
    expect(await connectionId(pool)).toBe(before);
    pool.evict();
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 1045 } });

    password = 'rotated';
    // A refused login is not repeated at once.
    const after = await waitFor('the new password to be tried', () => connectionId(pool));
    expect(after).not.toBe(before);
  });

  it('that throw are a failure to connect', async () => {
    await using database = await createDatabase();
    const { password: _, ...address } = database.connection;
    const failures: readonly (() => never | Promise<never>)[] = [
      () => {
        throw new Error('vault is sealed');
      },
      () => Promise.reject(new Error('vault is sealed')),
    ];
    for (const credentials of failures) {
      await using pool = poolAt(address, { credentials });
      expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({
        code: 'POOL_CREDENTIALS_FAILED',
        message: 'The source of credentials failed: vault is sealed (Error).',
        cause: { message: 'vault is sealed' },
      });
    }
  });

  it('that hang are cut off by connectTimeout, and a late answer opens nothing', async () => {
    await using database = await createDatabase();
    const { password: _, ...address } = database.connection;
    const answers: (() => void)[] = [];
    await using pool = poolAt(address, {
      connectTimeout: 100,
      credentials: () => new Promise((resolve) => answers.push(() => resolve({ password: database.password }))),
    });
    expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { code: 'ETIMEDOUT' } });
    for (const answer of answers) answer();
    await pool.end();
    expect(await database.serverConnections()).toBe(0);
  });

  it('I13: show in no error and no snapshot', async () => {
    await using database = await createDatabase();
    const { password: _, ...address } = database.connection;
    const password = 'wr0ng-but-secret!';
    await using pool = poolAt(address, { credentials: () => ({ password }) });
    const error = await errorOf(pool.query('SELECT 1'));
    for (const value of [error, pool.stats(), pool.summary(), pool.options, await pool.health({ deep: true })])
      expect(leaksIn(value, [password])).toEqual([]);
  });
});
