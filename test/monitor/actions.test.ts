import { describe, expect, it } from 'vitest';
import { Breaker } from '../../src/resilience/breaker/breaker.js';
import { nameOf, openCachedPool } from '../cache/support/cached-pool.js';
import { errorOf as driverErrorOf, openPool } from '../support/pool-on-database.js';
import { errorOf, procedures } from './support/call.js';

const allowed = { authorizeActions: () => true };

describe('monitoring.invalidate', () => {
  it('makes values invalid by table, by tag and altogether, and each is in the log', async () => {
    await using fixture = await openCachedPool({ name: 'users' });
    const { pool, cache } = fixture;
    const { invalidate, actionLog } = procedures({ pools: pool, ...allowed });
    const isLoaded = async (): Promise<boolean> => {
      const before = cache.stats().misses;
      await nameOf(pool, 1);
      return cache.stats().misses > before;
    };
    await nameOf(pool, 1);
    expect(await isLoaded()).toBe(false);
    await invalidate({ pool: pool.name, tables: ['orders_of_nobody'] });
    expect(await isLoaded()).toBe(false);
    await invalidate({ pool: pool.name, tables: ['users'] });
    expect(await isLoaded()).toBe(true);
    await invalidate({ pool: pool.name, all: true });
    expect(await isLoaded()).toBe(true);
    await cache.wrap('rates', async () => 1, { tags: ['rates'] });
    await invalidate({ pool: pool.name, tags: ['rates'] });
    expect(await cache.wrap('rates', async () => 2, { tags: ['rates'] })).toBe(2);
    expect((await actionLog()).actions.map(({ action, detail, outcome }) => [action, detail, outcome])).toEqual([
      ['invalidate', 'tag rates', 'done'],
      ['invalidate', 'everything', 'done'],
      ['invalidate', 'table users', 'done'],
      ['invalidate', 'table orders_of_nobody', 'done'],
    ]);
  });

  it('needs to be allowed, a cache, and something to invalidate', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'bare' });
    const options = { pools: fixture.pool };
    expect(await errorOf(procedures(options).invalidate({ pool: 'bare', all: true }))).toMatchObject({ code: 'FORBIDDEN' });
    const { invalidate, actionLog } = procedures({ ...options, ...allowed });
    expect(await errorOf(invalidate({ pool: 'bare', all: true }))).toEqual({ code: 'NOT_FOUND', message: "Pool 'bare' has no cache." });
    expect((await actionLog()).actions).toMatchObject([{ action: 'invalidate', outcome: 'failed' }]);
    for (const wrong of [
      {},
      { tags: [] },
      { tables: [''] },
      { all: false },
      { tags: Array.from({ length: 101 }, () => 'x') },
      { keys: ['x'] },
    ]) {
      expect(await errorOf(invalidate({ pool: 'bare', ...wrong } as never))).toMatchObject({ code: 'BAD_REQUEST' });
    }
  });
});

describe('breakers, opened and closed manually', () => {
  it('are held open until they are closed, of pools and of none, and each action is in the log', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    const { pool } = fixture;
    const rates = new Breaker({ name: 'rates' });
    const told: unknown[] = [];
    const { isolateBreaker, closeBreaker } = procedures({
      pools: pool,
      breakers: [rates],
      onAction: ({ action, pool: of }) => told.push([action, of]),
      ...allowed,
    });
    await isolateBreaker({ pool: 'orders', breaker: 'statement', reason: 'the disk is full' });
    await isolateBreaker({ pool: null, breaker: 'rates' });
    expect(rates.state).toBe('isolated');
    expect(await driverErrorOf(pool.query('SELECT 1'))).toMatchObject({
      code: 'POOL_BREAKER_OPEN',
      message: expect.stringContaining('isolated by an operator: the disk is full') as string,
    });
    await isolateBreaker({ pool: 'orders', breaker: 'statement' });
    await closeBreaker({ pool: 'orders', breaker: 'statement' });
    await closeBreaker({ pool: null, breaker: 'rates' });
    expect(rates.state).toBe('closed');
    expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
    expect(told).toEqual([
      ['isolate-breaker', 'orders'],
      ['isolate-breaker', null],
      ['isolate-breaker', 'orders'],
      ['close-breaker', 'orders'],
      ['close-breaker', null],
    ]);
  });

  it('need to be allowed, and a breaker of that name', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    const target = { pool: 'orders', breaker: 'statement' };
    const unable = procedures({ pools: fixture.pool });
    expect(await errorOf(unable.isolateBreaker(target))).toMatchObject({ code: 'FORBIDDEN' });
    expect(await errorOf(unable.closeBreaker(target))).toMatchObject({ code: 'FORBIDDEN' });
    const { isolateBreaker } = procedures({ pools: fixture.pool, ...allowed });
    expect(await errorOf(isolateBreaker({ pool: 'orders', breaker: '__proto__' }))).toEqual({
      code: 'NOT_FOUND',
      message: "There is no breaker '__proto__' of pool 'orders'; there are: connect, statement.",
    });
    expect(await errorOf(isolateBreaker({ pool: null, breaker: 'statement' }))).toMatchObject({ code: 'NOT_FOUND' });
    expect(fixture.pool.breakers.statement.state).toBe('closed');
  });
});
