import { describe, expect, it } from 'vitest';
import type { BreakerChange } from '../../../src/resilience/breaker/breaker-types.js';
import { registerPoolMetrics } from '../../../src/telemetry/prometheus.js';
import { procedures } from '../../monitor/support/call.js';
import { samplesOf } from '../../monitor/support/exposition.js';
import { startRedis } from '../../support/servers/redis-server.js';
import { waitFor } from '../../support/wait-for.js';
import { nameOf, openCachedPool } from '../support/cached-pool.js';

describe("the cache's breaker", () => {
  it("opens when Redis is gone, is shown beside the pool's, and closes by itself without a caller", async () => {
    await using redis = await startRedis();
    await using fixture = await openCachedPool({ redis: redis.url });
    const { pool, cache } = fixture;
    const changes: BreakerChange[] = [];
    pool.watch('breakerChanged', (change) => changes.push(change));
    expect(await nameOf(pool, 1)).toBe('user1');
    expect(pool.breakers.cache).toBe(cache.breaker);
    expect(pool.stats().breakers.cache).toMatchObject({ name: 'cache', state: 'closed', failures: 0 });
    expect(await pool.health()).toMatchObject({ status: 'healthy' });

    await redis.kill('SIGKILL');
    await waitFor('the breaker to open', () => pool.stats().breakers.cache?.state === 'open');
    expect(await pool.health()).toMatchObject({
      status: 'degraded',
      checks: expect.arrayContaining([
        { name: 'breakers', status: 'warn', message: expect.stringMatching(/^breaker 'cache' is open: 3 calls in a row failed/) as string },
      ]) as unknown,
    });
    expect(changes[0]).toMatchObject({ breaker: 'cache', from: 'closed', to: 'open' });
    expect((await procedures({ pools: pool }).circuitBreakers()).breakers).toContainEqual(
      expect.objectContaining({ pool: pool.name, name: 'cache', state: 'open' }),
    );
    const samples = samplesOf(await registerPoolMetrics({ pools: pool }).metrics());
    expect(samples.get(`poolwright_breaker_state{breaker="cache",pool="${pool.name}"}`)).toBe(2);
    expect(await nameOf(pool, 2)).toBe('user2');

    await redis.restart();
    await waitFor('the breaker to close', () => cache.breaker?.closed === true);
    expect(await pool.health()).toMatchObject({ status: 'healthy' });
    expect(cache.stats()).toMatchObject({ redis: { asked: true } });
  });

  it('isolated manually: Redis gives and takes no values, and invalidations still reach all', async () => {
    await using redis = await startRedis();
    await using fixture = await openCachedPool({ redis: redis.url });
    const { pool, cache } = fixture;
    const other = await fixture.other();
    await nameOf(other.pool, 1);
    await waitFor('the store', () => other.cache.stats().stores.redis === 1);
    const letGo = cache.breaker?.isolate('maintenance');
    expect(await nameOf(pool, 1)).toBe('user1');
    expect(await nameOf(pool, 1)).toBe('user1');
    expect(cache.stats()).toMatchObject({ hits: { memory: 1, redis: 0 }, stores: { redis: 0 }, redis: { asked: false, live: true } });
    await pool.query('UPDATE users SET name = ? WHERE id = ?', ['new', 1]);
    expect(await nameOf(pool, 1)).toBe('new');
    await waitFor(
      'the other to hear',
      () => nameOf(other.pool, 1),
      (name) => name === 'new',
    );
    letGo?.();
    await nameOf(other.pool, 2);
    await waitFor('the store', () => other.cache.stats().stores.redis === 3);
    expect(await nameOf(pool, 2)).toBe('user2');
    expect(cache.stats().hits.redis).toBe(1);
  });

  it('is none without Redis', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    expect(cache.breaker).toBeUndefined();
    expect(Object.keys(pool.breakers)).toEqual(['connect', 'statement']);
    expect(Object.keys(pool.stats().breakers)).toEqual(['connect', 'statement']);
  });
});
