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
});

afterAll(async () => {
  await Promise.all([redis.stop(), database[Symbol.asyncDispose]()]);
});

/** Two members, of which the first has been busy and holds most of the budget. */
async function busyMembers(name: string) {
  const fleet = { name, budget: 12, processes: 2, floor: 2, lease: 1_000, ledger: redis.url };
  const members = fleetOfPools(database, 2, fleet);
  const [first, second] = members.pools as [Pool, Pool];
  const stop = load(first, 16);
  await fleetTo('most of the budget', first, ({ lease, open }) => lease >= 9 && open >= 8);
  return { members, first, second, stop };
}

describe('F5: while its ledger', () => {
  it.each([
    ['is dead', () => redis.kill('SIGKILL'), () => redis.restart()],
    ['is frozen', () => redis.kill('SIGSTOP'), () => redis.kill('SIGCONT')],
  ] as const)('%s, statements continue, a member shrinks to its safe share, and gets its lease back', async (_what, harm, heal) => {
    await using watch = await watchConnections(database);
    const { members, first, second, stop } = await busyMembers(`harmed ${_what}`);
    await using _ended = members;
    await harm();
    const alone = await fleetTo('the safe share', first, ({ phase, open }) => phase === 'safe share' && open <= 6);
    expect(alone).toMatchObject({ ceiling: 6, safeShare: 6 });
    expect(alone.ledger.failures).toBeGreaterThan(0);
    expect(alone.ledger.failure).toBeDefined();
    expect(first.summary().limit).toBe(5);
    expect((await first.health()).checks.find(({ name }) => name === 'fleet')).toMatchObject({ status: 'warn' });
    await second.query('SELECT 1');
    await heal();
    await fleetTo('a lease again', first, ({ phase }) => phase === 'leased' || phase === 'learning');
    await fleetTo('most of the budget again', first, ({ lease, open }) => lease >= 9 && open >= 8);
    expect(await stop()).toBe(0);
    expect(watch.most).toBeLessThanOrEqual(12);
  });

  it('was never there, a member stays at its floor, and starts when the ledger does', async () => {
    await redis.kill('SIGKILL');
    const fleet = { name: 'late', budget: 12, processes: 2, floor: 2, lease: 1_000, ledger: redis.url };
    await using members = fleetOfPools(database, 1, fleet);
    const [pool] = members.pools as [Pool];
    await Promise.all(Array.from({ length: 6 }, () => pool.query('SELECT SLEEP(0.05)')));
    expect(fleetOf(pool)).toMatchObject({ phase: 'starting', lease: 2, ceiling: 2 });
    expect(pool.stats().opened).toBe(1);
    await redis.restart();
    await fleetTo('a lease', pool, ({ phase }) => phase === 'leased');
  });
});

describe('F1: a ledger that was restarted empty', () => {
  it('is in learning mode: members keep what they hold, and nothing new is granted', async () => {
    await using watch = await watchConnections(database);
    const { members, first, second, stop } = await busyMembers('emptied');
    await using _ended = members;
    const phases: string[] = [];
    first.watch('fleetChanged', ({ what, message }) => {
      if (what === 'phase') phases.push(message);
    });
    await redis.restart();
    await waitFor('learning mode to end', () => phases.some((phase) => phase.startsWith('leased')), Boolean, { timeoutMs: 60_000 });
    expect(phases.some((phase) => phase.startsWith('learning'))).toBe(true);
    await fleetTo('both to be known', second, (fleet) => fleet.members === 2 && fleet.phase === 'leased');
    expect(await stop()).toBe(0);
    expect(watch.most).toBeLessThanOrEqual(12);
  });
});
