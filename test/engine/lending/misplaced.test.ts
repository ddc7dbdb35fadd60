import { describe, expect, it } from 'vitest';
import { driverError, failWith, hold, succeed } from '../support/fake-factory.js';
import { errorOf, PoolFixture } from '../support/pool-fixture.js';
import { seededRandom } from '../support/random.js';

const misplaced = driverError('MISPLACED', 'the pool connects, but a:3306 is not a writer (read_only = ON)');
const refused = driverError('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:3306');

function fixtureOf(options: ConstructorParameters<typeof PoolFixture>[0]): PoolFixture {
  const fixture = new PoolFixture({ minIdle: 0, ...options }, { random: seededRandom(1) });
  fixture.factory.misplacedCodes.add('MISPLACED');
  fixture.factory.script('open', failWith(misplaced, 5));
  return fixture;
}

describe('a resource that is not what the pool is for', () => {
  it('I2, I12: is counted as opened and closed, and its waiters get the next one that is right', async () => {
    await using fixture = fixtureOf({ connectionLimit: 2, acquireTimeout: 60_000 });
    const events = (['opened', 'closed', 'failed', 'connectFailed'] as const).map((name) => [name, fixture.record(name)] as const);
    const waiting = [fixture.acquire(), fixture.acquire()];
    await fixture.clock.advance(5);
    expect(fixture.stats).toMatchObject({ waiting: 2, total: 0, refused: 0, connectErrors: 0, closedByReason: { role: 2 } });
    expect(fixture.stats.lastConnectError).toMatchObject({ message: misplaced.message });
    expect(Object.fromEntries(events.map(([name, details]) => [name, details.length]))).toEqual({
      opened: 2,
      closed: 2,
      failed: 0,
      connectFailed: 0,
    });
    fixture.factory.script('open', succeed);
    await fixture.clock.advance(1_000);
    for (const lease of await Promise.all(waiting)) lease.release();
    expect(fixture.stats).toMatchObject({ acquired: 2, lastConnectError: undefined });
  });

  it('I6: is not asked for again in a storm, however many wait', async () => {
    await using fixture = fixtureOf({ acquireTimeout: 30_000 });
    const outcomes = Array.from({ length: 1_000 }, () => errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT'));
    await fixture.clock.advance(1_000);
    const before = fixture.factory.resources.length;
    await fixture.clock.advance(29_100);
    expect(fixture.factory.resources.length - before).toBeLessThan(150);
    expect(fixture.factory.resources.length - before).toBeGreaterThan(30);
    const [error] = await Promise.all(outcomes);
    expect(error).toMatchObject({ reason: 'unreachable', cause: misplaced });
    expect(error?.message).toMatch(
      /^No connection within 300\d\d ms: the pool connects, but a:3306 is not a writer \(read_only = ON\)\. Pool /u,
    );
  });

  it('does not keep waiters from being refused when nothing can be opened any more', async () => {
    await using fixture = fixtureOf({ connectionLimit: 1, acquireTimeout: 60_000 });
    const waiting = errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    await fixture.clock.advance(5);
    fixture.factory.script('open', failWith(refused));
    await fixture.clock.advance(1_000);
    expect((await waiting).cause).toBe(refused);
  });

  it('does not end the wait for the first connections before its time, which then says why', async () => {
    await using fixture = fixtureOf({ connectionLimit: 1 });
    const ready = errorOf(fixture.pool.ready({ timeout: 500 }), 'POOL_CONNECT_FAILED');
    await fixture.clock.advance(600);
    expect((await ready).message).toContain('a:3306 is not a writer');
  });

  it('I4: takes a place only while it is being opened', async () => {
    await using fixture = fixtureOf({ connectionLimit: 1 });
    const waiting = fixture.acquire();
    await fixture.clock.advance(5);
    expect(fixture.stats).toMatchObject({ total: 0, opening: 0 });
    fixture.factory.script('open', hold);
    await fixture.clock.advance(1_000);
    expect(fixture.stats).toMatchObject({ total: 0, opening: 1 });
    fixture.factory.take('open').succeed();
    (await waiting).release();
  });

  it('is not waited for by callers who do not wait for borrowers: they get the answer of the opening or their own timeout', async () => {
    await using fixture = fixtureOf({ connectionLimit: 1, waitForConnections: false, acquireTimeout: 400 });
    const waiting = errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT');
    await fixture.clock.advance(500);
    expect((await waiting).message).toContain('is not a writer');
  });
});
