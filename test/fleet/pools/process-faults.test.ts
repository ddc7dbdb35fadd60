import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { type RedisServer, startRedis } from '../../support/servers/redis-server.js';
import { waitFor } from '../../support/wait-for.js';
import { type FleetChild, killAll, startFleetChild } from '../support/children.js';
import { fleetOfPools, fleetTo, load, watchConnections } from '../support/fleet-of-pools.js';

let redis: RedisServer;
let database: TestDatabase;

beforeAll(async () => {
  [redis, database] = await Promise.all([startRedis(), createDatabase()]);
});

afterEach(killAll);

afterAll(async () => {
  await Promise.all([redis.stop(), database[Symbol.asyncDispose]()]);
});

const fleetNamed = (name: string) => ({ name, budget: 12, processes: 2, floor: 2, lease: 1_000, ledger: redis.url });

describe('F6: a process that', () => {
  it('is frozen keeps its connections: they are overhang until it is back, and the budget is kept', async () => {
    await using watch = await watchConnections(database);
    const fleet = fleetNamed('frozen');
    await using members = fleetOfPools(database, 1, fleet);
    const [pool] = members.pools as [never];
    const child = await startFleetChild({ ...database.connection, minIdle: 0, fleet }, 16);
    await waitFor('the child to have most of the budget', child.told, (told) => told.fleet.open >= 8, { timeoutMs: 60_000 });
    const held = (await child.told()).fleet.open;
    child.process.kill('SIGSTOP');
    const stop = load(pool, 16);
    const after = await fleetTo(
      'what the frozen one holds to be known',
      pool,
      ({ lost, overhang, reserved }) => lost === 1 && overhang + reserved >= held - 2,
    );
    expect(after.lease).toBeLessThanOrEqual(12 - held);
    child.process.kill('SIGCONT');
    await fleetTo('the two to share', pool, ({ lost, members: count, lease }) => lost === 0 && count === 2 && lease >= 5);
    expect(await stop()).toBe(0);
    expect(await child.end()).toBe(0);
    expect(watch.most).toBeLessThanOrEqual(12);
  });

  it('is killed gives its place back once the server shows that its connections are gone', async () => {
    await using watch = await watchConnections(database);
    const fleet = fleetNamed('killed');
    await using members = fleetOfPools(database, 1, fleet);
    const [pool] = members.pools as [never];
    const child = await startFleetChild({ ...database.connection, minIdle: 0, fleet }, 16);
    await waitFor('the child to have most of the budget', child.told, (told) => told.fleet.open >= 8, { timeoutMs: 60_000 });
    const ended = once(child.process, 'exit');
    child.process.kill('SIGKILL');
    await ended;
    const stop = load(pool, 16);
    const after = await fleetTo('what the dead one had', pool, ({ lease, lost, overhang }) => lease >= 6 && lost === 1 && overhang === 0);
    expect(after.reserved).toBeLessThanOrEqual(6);
    expect(await stop()).toBe(0);
    expect(watch.most).toBeLessThanOrEqual(12);
  });
});

describe('F4: a rolling deployment', () => {
  it('starts each new process before an old one ends, and no connection is refused', async () => {
    await using watch = await watchConnections(database);
    const fleet = { ...fleetNamed('rolling'), budget: 16, processes: 4 };
    const start = () => startFleetChild({ ...database.connection, minIdle: 0, fleet }, 8);
    const old = await Promise.all([start(), start()]);
    await Promise.all(old.map((child) => waitFor('a lease', child.told, (told) => told.fleet.phase === 'leased', { timeoutMs: 60_000 })));
    const fresh: FleetChild[] = [];
    for (const child of old) {
      const next = await start();
      fresh.push(next);
      await waitFor('a connection of the new one', next.told, (told) => told.fleet.open >= 1 && told.fleet.phase === 'leased', {
        timeoutMs: 60_000,
      });
      expect((await next.told()).stats.connectErrors).toBe(0);
      expect(await child.end()).toBe(0);
    }
    const leases = await waitFor(
      'the new ones to have equal shares',
      () => Promise.all(fresh.map(async (child) => (await child.told()).fleet.lease)),
      ([a = 0, b = 0]) => Math.abs(a - b) <= 1 && a >= 3,
      { timeoutMs: 60_000 },
    );
    expect(leases).toHaveLength(2);
    expect(await Promise.all(fresh.map((child) => child.end()))).toEqual([0, 0]);
    expect(watch.most).toBeLessThanOrEqual(16);
  });
});
