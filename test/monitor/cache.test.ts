import { describe, expect, it } from 'vitest';
import { createMonitoringRouter } from '../../src/monitor/api/router.js';
import { registerPoolMetrics } from '../../src/telemetry/prometheus.js';
import { nameOf, openCachedPool } from '../cache/support/cached-pool.js';
import { poolOf } from '../support/pool-on-database.js';
import { complaintsOf } from './support/promtool.js';

describe('monitoring.cacheStats', () => {
  it('is what the cache of a pool has counted, and says when there is none', async () => {
    await using fixture = await openCachedPool({ name: 'users' });
    const { pool, database } = fixture;
    await nameOf(pool, 1);
    await nameOf(pool, 1);
    const { cacheStats } = createMonitoringRouter({ pools: [pool], pgbouncer: false }).createCaller({});
    expect(await cacheStats()).toMatchObject({
      available: true,
      name: 'users',
      stats: { hits: { memory: 1, redis: 0 }, misses: 1, redis: null },
    });
    const bare = poolOf(database);
    try {
      const { cacheStats: without } = createMonitoringRouter({ pools: [bare], pgbouncer: false }).createCaller({});
      expect(await without()).toEqual({ available: false, name: null, stats: null });
    } finally {
      await bare.end();
    }
  });
});

describe('the metrics of a cache', () => {
  it('are exported once, even when several pools share it', async () => {
    await using fixture = await openCachedPool({ name: 'users' });
    const { pool, cache, database } = fixture;
    const second = poolOf(database, { cache });
    try {
      await nameOf(pool, 1);
      await nameOf(second, 1);
      await pool.query('DELETE FROM orders');
      const text = await registerPoolMetrics({ pools: [pool, second] }).metrics();
      expect(await complaintsOf(text)).toBe('');
      expect(text).toContain('poolwright_cache_requests_total{cache="users",tier="memory",result="hit"} 1\n');
      expect(text).toContain('poolwright_cache_requests_total{cache="users",tier="database",result="miss"} 1\n');
      expect(text).toContain('poolwright_cache_invalidations_total{cache="users"} 1\n');
      expect(text).toContain('poolwright_cache_live{cache="users"} 1\n');
      expect(text.match(/^poolwright_cache_bytes\{/gm)).toHaveLength(1);
    } finally {
      await second.end();
    }
  });
});
