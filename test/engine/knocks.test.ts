import { describe, expect, it } from 'vitest';
import { driverError, failWith, succeed } from './support/fake-factory.js';
import { errorOf, PoolFixture } from './support/pool-fixture.js';
import { seededRandom } from './support/random.js';

describe('what is away, while callers wait for it', () => {
  const away = driverError('ECONNREFUSED');
  const patient = { connectionLimit: 5, minIdle: 0, acquireTimeout: 0 };

  /** Answers knocks, and notes when there was one. */
  function knocking(fixture: () => PoolFixture): {
    knock(error: unknown): Promise<boolean> | undefined;
    readonly at: number[];
    isBack: boolean;
  } {
    const door = {
      at: [] as number[],
      isBack: false,
      knock(error: unknown) {
        if (error !== away) return undefined;
        door.at.push(fixture().clock.now());
        return Promise.resolve(door.isBack);
      },
    };
    return door;
  }

  it('I6: is asked for every 20 to 40 ms, and opened when it is back, however long the delay is by then', async () => {
    const door = knocking(() => fixture);
    const knock = (error: unknown): Promise<boolean> | undefined => door.knock(error);
    await using fixture = new PoolFixture(patient, { random: seededRandom(7), methods: { knock }, patience: 'patient' });
    fixture.factory.script('open', failWith(away));
    const waiting = Array.from({ length: 3 }, () => fixture.acquire());
    await fixture.clock.advance(10_000);
    const gaps = door.at.slice(1).map((at, index) => at - (door.at[index] as number));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(20);
    // An attempt that was due took the place of a knock now and then.
    expect(gaps.filter((gap) => gap > 40).length).toBeLessThan(60);
    expect(door.at.length).toBeGreaterThan(200);
    const attempts = fixture.factory.resources.length;
    door.isBack = true;
    fixture.factory.script('open', succeed);
    await fixture.clock.advance(40);
    for (const lease of await Promise.all(waiting)) lease.release();
    expect(fixture.factory.resources.length - attempts).toBeLessThanOrEqual(3);
  });

  it('I6: costs no opening more, one knock at a time, and at most 50 a second, for a minute and ten thousand waiters', async () => {
    const openingsWith = async (knocks: boolean): Promise<number> => {
      const door = knocking(() => fixture);
      const knock = (error: unknown): Promise<boolean> | undefined => door.knock(error);
      await using fixture = new PoolFixture(patient, {
        random: seededRandom(8),
        patience: 'patient',
        ...(knocks ? { methods: { knock } } : {}),
      });
      fixture.factory.script('open', failWith(away));
      const waiting = Array.from({ length: 10_000 }, () => fixture.pool.acquire());
      const settled = Promise.allSettled(waiting);
      await fixture.clock.advance(60_000);
      expect(door.at.length).toBeLessThanOrEqual(60 * 50);
      const opened = fixture.factory.resources.length;
      await fixture.pool.close();
      await settled;
      return opened;
    };
    const [without, withKnocks] = [await openingsWith(false), await openingsWith(true)];
    expect(withKnocks).toBeLessThan(without * 1.3);
  });

  it('is not asked for while no caller waits, and by a caller of ready() alone', async () => {
    const door = knocking(() => fixture);
    const knock = (error: unknown): Promise<boolean> | undefined => door.knock(error);
    await using fixture = new PoolFixture(
      { minIdle: 1 },
      { methods: { knock }, patience: 'patient', prepare: (factory) => factory.script('open', failWith(away)) },
    );
    await fixture.clock.advance(10_000);
    expect(door.at).toEqual([]);
    const ready = fixture.pool.ready({ timeout: 30_000 });
    await fixture.clock.advance(1_000);
    expect(door.at.length).toBeGreaterThan(10);
    door.isBack = true;
    fixture.factory.script('open', succeed);
    await fixture.clock.advance(40);
    await ready;
  });

  it('I6: one that accepts and then fails is left alone for the whole delay', async () => {
    const dropped = driverError('PROTOCOL_CONNECTION_LOST');
    const door = knocking(() => fixture);
    const knock = (error: unknown): Promise<boolean> | undefined => door.knock(error);
    await using fixture = new PoolFixture(patient, { methods: { knock }, patience: 'patient' });
    fixture.factory.script('open', failWith(away));
    const waiting = fixture.acquire();
    await fixture.clock.settle();
    fixture.factory.script('open', failWith(dropped));
    door.isBack = true;
    await fixture.clock.advance(60_000);
    expect(door.at).toHaveLength(1);
    expect(fixture.factory.resources.length).toBeLessThan(300);
    fixture.factory.script('open', succeed);
    await fixture.clock.advance(1_000);
    (await waiting).release();
  });

  it('serves a caller who comes after a refusal as soon, where callers are refused when an attempt fails', async () => {
    const door = knocking(() => fixture);
    const knock = (error: unknown): Promise<boolean> | undefined => door.knock(error);
    await using fixture = new PoolFixture({ minIdle: 0 }, { random: () => 0.99, methods: { knock } });
    fixture.factory.script('open', failWith(away));
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await fixture.clock.advance(1_000);
      await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    }
    const waiting = fixture.acquire();
    door.isBack = true;
    fixture.factory.script('open', succeed);
    await fixture.clock.advance(40);
    (await waiting).release();
    expect(fixture.stats).toMatchObject({ acquired: 1, opened: 1, refused: 5 });
  });

  it('a knock that is never answered changes nothing', async () => {
    let knocks = 0;
    const knock = (): Promise<boolean> => {
      knocks += 1;
      return new Promise(() => undefined);
    };
    await using fixture = new PoolFixture(patient, { methods: { knock }, patience: 'patient' });
    fixture.factory.script('open', failWith(away));
    const waiting = fixture.acquire();
    await fixture.clock.advance(5_000);
    expect(knocks).toBe(1);
    fixture.factory.script('open', succeed);
    await fixture.clock.advance(1_000);
    (await waiting).release();
  });
});
