import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { type RedisServer, startRedis } from '../../support/servers/redis-server.js';
import { waitFor } from '../../support/wait-for.js';
import { fleetOf, fleetOfPools, fleetTo, load, watchConnections } from '../support/fleet-of-pools.js';

let redis: RedisServer;
let database: TestDatabase;

beforeAll(async () => {
  [redis, database] = await Promise.all([startRedis(), createDatabase()]);
});

afterAll(async () => {
  await Promise.all([redis.stop(), database[Symbol.asyncDispose]()]);
});

describe.each(['redis', 'database'] as const)('pools of a fleet with the ledger in %s', (where) => {
  const fleet = (name: string) => ({
    name,
    budget: 16,
    processes: 3,
    floor: 3,
    lease: 1_000,
    ledger: where === 'redis' ? redis.url : 'database',
  });

  it('F1: the busy one gets what the others do not use, and the server never has more than the budget', async () => {
    await using watch = await watchConnections(database);
    await using members = fleetOfPools(database, 3, fleet(`skewed ${where}`));
    const [first, second, third] = members.pools as [never, never, never];
    for (const pool of members.pools) await fleetTo('a lease', pool, ({ phase }) => phase === 'leased');
    const stopFirst = load(first, 20);
    await fleetTo('a lease of most of the budget', first, ({ lease }) => lease >= 9);
    const stopSecond = load(second, 20);
    await waitFor(
      'the two to have about the same',
      () => [fleetOf(first).lease, fleetOf(second).lease, fleetOf(second).open],
      ([a = 0, b = 0, open = 0]) => Math.abs(a - b) <= 1 && open >= b - 1,
      { timeoutMs: 60_000 },
    );
    expect(await stopFirst()).toBe(0);
    await fleetTo('the lease to move', second, ({ lease, open }) => lease >= 9 && open >= 8);
    expect(await stopSecond()).toBe(0);
    expect(fleetOf(third).lease).toBeGreaterThanOrEqual(3);
    expect(watch.most).toBeLessThanOrEqual(16);
    expect(watch.looks).toBeGreaterThan(20);
  });

  it('a pool that was ended leaves its fleet: its place is free at once', async () => {
    await using members = fleetOfPools(database, 2, fleet(`left ${where}`));
    const [first, second] = members.pools as [never, never];
    await fleetTo('two members', first, (snapshot) => snapshot.members === 2);
    await (second as { end(): Promise<void> }).end();
    expect(fleetOf(second).phase).toBe('left');
    const after = await fleetTo('one member', first, (snapshot) => snapshot.members === 1);
    expect(after).toMatchObject({ lost: 0, overhang: 0 });
  });
});
