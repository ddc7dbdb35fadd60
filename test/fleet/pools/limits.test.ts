import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pool } from '../../../src/mysql/index.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { type RedisServer, startRedis } from '../../support/servers/redis-server.js';
import { waitFor } from '../../support/wait-for.js';
import { fleetOf, fleetOfPools, fleetTo, load, watchConnections } from '../support/fleet-of-pools.js';

let redis: RedisServer;
let database: TestDatabase;

beforeAll(async () => {
  [redis, database] = await Promise.all([startRedis(), createDatabase()]);
  await database.admin(`ALTER USER '${database.user}'@'%' WITH MAX_USER_CONNECTIONS 10`);
});

afterAll(async () => {
  await Promise.all([redis.stop(), database[Symbol.asyncDispose]()]);
});

const base = { processes: 1, floor: 2, lease: 1_000 };

describe('a fleet and the limit of its account', () => {
  it("budget: 'auto' is four fifths of it", async () => {
    await using watch = await watchConnections(database);
    await using members = fleetOfPools(database, 1, { ...base, name: 'auto', budget: 'auto', ledger: redis.url });
    const [pool] = members.pools as [Pool];
    const stop = load(pool, 16);
    await fleetTo('the whole budget', pool, ({ budget, lease, open }) => budget === 8 && lease === 8 && open === 7);
    expect(await stop()).toBe(0);
    expect(watch.most).toBeLessThanOrEqual(8);
  });

  it('a budget above it meets refusals: the member halves what it opens, and says so', async () => {
    await using members = fleetOfPools(database, 1, { ...base, name: 'too much', budget: 30, ledger: redis.url });
    const [pool] = members.pools as [Pool];
    const told: string[] = [];
    pool.watch('fleetChanged', ({ what, message }) => {
      if (what === 'congestion') told.push(message);
    });
    const stop = load(pool, 25);
    await waitFor('a refusal', () => fleetOf(pool).denied.congestion > 0, Boolean, { timeoutMs: 60_000 });
    await waitFor('it to be reported', () => told.length > 0, Boolean, { timeoutMs: 60_000 });
    expect(told[0]).toMatch(/the server refuses connections \(.*max_user_connections.*\): at most \d+ for now/u);
    expect(await stop()).toBe(0);
  });

  it('dryRun keeps the limit of the pool, and shows what it would have had', async () => {
    const fleet = { ...base, name: 'dry', budget: 4, dryRun: true, ledger: redis.url };
    await using members = fleetOfPools(database, 1, fleet, { connectionLimit: 8 });
    const [pool] = members.pools as [Pool];
    const stop = load(pool, 12);
    const shown = await fleetTo('more than the budget to be open', pool, ({ open, phase }) => open === 8 && phase === 'leased');
    expect(shown).toMatchObject({ dryRun: true, budget: 4, demand: 9 });
    expect(pool.summary().limit).toBe(8);
    expect(await stop()).toBe(0);
  });
});
