import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPool, getPool, pools } from '../../../src/index.js';
import { createDatabase } from '../../support/servers/database.js';
import { connectionId, errorOf, valueOf } from '../../support/pool-on-database.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the names of pools', () => {
  it('are unique in the process: a second pool of the same database has a number', async () => {
    await using database = await createDatabase();
    await using first = createPool(database.url(), { minIdle: 0 });
    await using second = createPool(database.url(), { minIdle: 0 });
    await using named = createPool(database.url(), { minIdle: 0, name: first.name });
    const name = `${database.database}@${database.host}:${database.port}`;
    expect([first.name, second.name, named.name]).toEqual([name, `${name}#2`, `${name}#3`]);
    expect([pools().get(name), pools().get(`${name}#2`), pools().get(`${name}#3`)]).toEqual([first, second, named]);
    expect(second.stats().name).toBe(second.name);
  });

  it('are free again when their pool is closed, even while it is still closing', async () => {
    await using database = await createDatabase();
    const first = createPool(database.url(), { minIdle: 0, name: 'reused' });
    await valueOf(first, '1');
    const ended = first.end();
    expect(pools().has('reused')).toBe(false);
    const second = createPool(database.url(), { minIdle: 0, name: 'reused' });
    expect(second.name).toBe('reused');
    await ended;
    expect(pools().get('reused')).toBe(second);
    await second.drain();
    expect(pools().has('reused')).toBe(false);
  });

  it('show a snapshot that no other code can change', async () => {
    await using database = await createDatabase();
    await using pool = createPool(database.url(), { minIdle: 0 });
    (pools() as Map<string, unknown>).clear();
    expect(pools().get(pool.name)).toBe(pool);
  });
});

describe('getPool()', () => {
  it('makes one pool from DATABASE_URL, and keeps it, even when DATABASE_URL changes', async () => {
    await using database = await createDatabase();
    vi.stubEnv('DATABASE_URL', database.url());
    await using pool = getPool();
    expect(await valueOf(pool, 'DATABASE()')).toBe(database.database);
    vi.stubEnv('DATABASE_URL', 'mysql://app:secret@elsewhere.example.com/other');
    expect(getPool()).toBe(pool);
    vi.stubEnv('DATABASE_URL', '');
    expect(getPool()).toBe(pool);
  });

  it('makes a new one after the old one was ended, or has begun to drain', async () => {
    await using database = await createDatabase();
    vi.stubEnv('DATABASE_URL', database.url());
    const first = getPool();
    const id = await connectionId(first);
    const ended = first.end();
    const second = getPool();
    expect(second).not.toBe(first);
    await ended;
    expect(await connectionId(second)).not.toBe(id);
    const drained = second.drain();
    await using third = getPool();
    expect(third).not.toBe(second);
    await drained;
    expect(getPool()).toBe(third);
  });

  it('survives a hot reload, in which the module is loaded again', async () => {
    await using database = await createDatabase();
    vi.stubEnv('DATABASE_URL', database.url());
    await using pool = getPool();
    vi.resetModules();
    const reloaded = await import('../../../src/index.js');
    expect(reloaded.getPool).not.toBe(getPool);
    expect(reloaded.getPool()).toBe(pool);
    expect(reloaded.pools().get(pool.name)).toBe(pool);
  });

  it('without DATABASE_URL says what to do, and works once it is set', async () => {
    await using database = await createDatabase();
    vi.stubEnv('DATABASE_URL', undefined);
    expect(() => getPool()).toThrow(
      expect.objectContaining({ code: 'POOL_OPTION_INVALID', message: expect.stringContaining('set DATABASE_URL') }),
    );
    vi.stubEnv('DATABASE_URL', database.url());
    await using pool = getPool();
    expect(await valueOf(pool, '1')).toBe(1);
  });
});

describe('createPool()', () => {
  it('takes no argument, an URL, options, or both; environment variables count', async () => {
    await using database = await createDatabase();
    vi.stubEnv('DATABASE_URL', database.url());
    vi.stubEnv('POOLWRIGHT_CONNECTION_LIMIT', '3');
    vi.stubEnv('POOLWRIGHT_MIN_IDLE', '0');
    await using byEnvironment = createPool();
    await using byUrl = createPool(database.url({ parameters: { connectionLimit: '4' } }));
    await using byOptions = createPool({ ...database.connection, connectionLimit: 5 });
    await using byBoth = createPool(database.url(), { connectionLimit: 6 });
    await using byUri = createPool({ uri: database.url(), connectionLimit: 7 });
    const all = [byEnvironment, byUrl, byOptions, byBoth, byUri];
    expect(all.map((pool) => pool.options.connectionLimit)).toEqual([3, 4, 5, 6, 7]);
    for (const pool of all) expect(await valueOf(pool, 'DATABASE()')).toBe(database.database);
  });

  it('connects over a socket', async () => {
    await using database = await createDatabase();
    for (const parameters of [{ socketPath: database.socketPath }, { socket: database.socketPath }]) {
      await using pool = createPool(database.url({ parameters }), { minIdle: 0 });
      expect(await valueOf(pool, 'DATABASE()')).toBe(database.database);
    }
    const host = encodeURIComponent(database.socketPath);
    await using pool = createPool(`mysql://${database.user}:${encodeURIComponent(database.password)}@${host}/${database.database}`, {
      minIdle: 0,
    });
    expect(await valueOf(pool, 'DATABASE()')).toBe(database.database);
    expect(pool.name).toBe(`${database.database}@${database.socketPath}`);
  });

  it('opens the minimum of connections by itself', async () => {
    await using database = await createDatabase();
    await using pool = createPool(database.url(), { minIdle: 2 });
    await pool.ready();
    expect(pool.summary().total).toBe(2);
  });

  it('throws before it opens anything when an option is wrong', async () => {
    await using database = await createDatabase();
    const known = pools().size;
    expect(() => createPool(database.url(), { connectionLimit: 0 })).toThrow(expect.objectContaining({ code: 'POOL_OPTION_INVALID' }));
    expect(pools().size).toBe(known);
    expect(await database.serverConnections()).toBe(0);
  });

  it('after which the pool is ended refuses everything in the same way', async () => {
    await using database = await createDatabase();
    const pool = createPool(database.url(), { minIdle: 0 });
    await pool.end();
    const calls = [() => pool.query('SELECT 1'), () => pool.execute('SELECT 1'), () => pool.getConnection(), () => pool.ready()];
    for (const call of calls) expect(await errorOf(call())).toMatchObject({ code: 'POOL_CLOSED', message: 'Pool is closed.' });
    pool.evict();
    pool.suspend();
    pool.resume();
    pool.resize({ connectionLimit: 5 });
    expect(pool.summary()).toMatchObject({ state: 'closed', total: 0 });
  });
});
