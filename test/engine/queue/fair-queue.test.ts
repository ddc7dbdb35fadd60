import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/engine/entries/entry.js';
import { FairQueue, PRIORITIES, type Priority } from '../../../src/engine/queue/fair-queue.js';
import type { AcquireOptions } from '../../../src/engine/lending/acquire-options.js';
import { PromiseWaiter, type Waiter } from '../../../src/engine/queue/wait-queue.js';
import { errorOf, PoolFixture } from '../support/pool-fixture.js';

interface Standing {
  readonly waiter: Waiter<string>;
  readonly priority: Priority;
  readonly key: string | undefined;
  /** Places in the queue that were given to others before it. */
  passed: number;
}

function newWaiter(): Waiter<string> {
  return new PromiseWaiter<string>(() => undefined);
}

type Step = {
  readonly kind: 'push' | 'remove' | 'serve' | 'return';
  readonly priority: Priority;
  readonly key: number;
  readonly pick: number;
};

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    'push' as const,
    'push' as const,
    'push' as const,
    'remove' as const,
    'serve' as const,
    'serve' as const,
    'return' as const,
  ),
  priority: fc.constantFrom(...PRIORITIES),
  key: fc.nat(4),
  pick: fc.nat(1_000),
});

describe('FairQueue', () => {
  it('I3: within a priority and a key, first come, first served; no key has more than its share; no waiter is passed over forever', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.array(step, { maxLength: 150 }), (share, steps) => {
        const queue = new FairQueue<string>(share);
        const standing: Standing[] = [];
        const borrowed: { readonly entry: Entry<string>; readonly key: string | undefined }[] = [];
        const usedBy = (key: string | undefined): number => borrowed.filter((one) => one.key === key).length;
        const mayBeServed = ({ key }: Standing): boolean => share === 0 || key === undefined || usedBy(key) < share;
        const serve = (): void => {
          const first = queue.first;
          if (first === undefined) return;
          const index = standing.findIndex(({ waiter }) => waiter === first);
          const [one] = standing.splice(index, 1) as [Standing];
          expect(standing.slice(0, index).some(({ priority, key }) => priority === one.priority && key === one.key)).toBe(false);
          expect(mayBeServed(one)).toBe(true);
          const entry = {} as Entry<string>;
          queue.noteServing(first, entry);
          queue.remove(first);
          borrowed.push({ entry, key: one.key });
        };
        for (const { kind, priority, key: number, pick } of steps) {
          if (kind === 'push') {
            const key = number === 0 ? undefined : `tenant ${number}`;
            const waiter = newWaiter();
            queue.push(waiter, priority, key);
            standing.push({ waiter, priority, key, passed: 0 });
          } else if (kind === 'remove' && standing.length > 0) {
            const [gone] = standing.splice(pick % standing.length, 1) as [Standing];
            queue.remove(gone.waiter);
          } else if (kind === 'serve') serve();
          else if (kind === 'return' && borrowed.length > 0) {
            const [back] = borrowed.splice(pick % borrowed.length, 1);
            queue.noteReturn((back as { entry: Entry<string> }).entry);
          }
          expect(queue.size).toBe(standing.length);
          expect(queue.servable).toBe(standing.filter(mayBeServed).length);
          expect(queue.all()).toEqual(standing.map(({ waiter }) => waiter));
          expect(queue.oldest).toBe(standing[0]?.waiter);
          expect(queue.first === undefined).toBe(!standing.some(mayBeServed));
          expect(queue.leastUrgent === undefined).toBe(standing.length === 0);
        }
        // When entries come back, every waiter is served.
        for (let round = 0; standing.length > 0; round += 1) {
          expect(round).toBeLessThan(1_000);
          const back = borrowed.shift();
          if (back !== undefined) queue.noteReturn(back.entry);
          serve();
        }
        for (const { entry } of borrowed) queue.noteReturn(entry);
        expect(queue.first).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  it('serves the more urgent first, but one less urgent waiter in ten', () => {
    const queue = new FairQueue<string>(0);
    const served: string[] = [];
    const names = new Map<Waiter<string>, string>();
    const push = (priority: Priority): void => {
      const waiter = newWaiter();
      names.set(waiter, priority);
      queue.push(waiter, priority);
    };
    for (const priority of ['low', 'normal', 'high'] as const) for (let count = 0; count < 40; count += 1) push(priority);
    while (queue.first !== undefined) {
      const waiter = queue.first;
      served.push(names.get(waiter) as string);
      queue.noteServing(waiter, {} as Entry<string>);
      queue.remove(waiter);
    }
    const count = (priority: string, until: number): number => served.slice(0, until).filter((one) => one === priority).length;
    expect(served.slice(0, 8)).toEqual(Array.from({ length: 8 }, () => 'high'));
    expect([count('high', 40), count('normal', 40), count('low', 40)]).toEqual([32, 4, 4]);
    expect(served).toHaveLength(120);
  });

  it('lets keys take turns, no matter how much each key asks for', () => {
    const queue = new FairQueue<string>(0);
    const names = new Map<Waiter<string>, string>();
    const push = (key: string): void => {
      const waiter = newWaiter();
      names.set(waiter, key);
      queue.push(waiter, 'normal', key);
    };
    for (let count = 0; count < 100; count += 1) push('noisy');
    for (const key of ['a', 'b', 'a']) push(key);
    const served: (string | undefined)[] = [];
    for (let count = 0; count < 6; count += 1) {
      const waiter = queue.first as Waiter<string>;
      served.push(names.get(waiter));
      queue.noteServing(waiter, {} as Entry<string>);
      queue.remove(waiter);
    }
    expect(served).toEqual(['noisy', 'a', 'b', 'noisy', 'a', 'noisy']);
    // Who is refused first: the newest of the key that waits most.
    expect(names.get(queue.leastUrgent as Waiter<string>)).toBe('noisy');
  });
});

/** Acquires that note whom they served, in order. */
function callers(fixture: PoolFixture): {
  readonly served: string[];
  readonly call: (name: string, options?: AcquireOptions) => Promise<void>;
} {
  const served: string[] = [];
  return {
    served,
    async call(name, options) {
      const lease = await fixture.acquire(options);
      served.push(name);
      await fixture.clock.wait(10);
      lease.release();
    },
  };
}

describe("a pool with scheduling: 'fair'", () => {
  it('serves by priority', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, scheduling: 'fair' });
    const { served, call } = callers(fixture);
    const all = [call('first')];
    await fixture.clock.advance(1);
    all.push(call('low', { priority: 'low' }), call('normal'), call('high', { priority: 'high' }), call('high 2', { priority: 'high' }));
    await fixture.clock.advance(100);
    await Promise.all(all);
    expect(served).toEqual(['first', 'high', 'high 2', 'normal', 'low']);
  });

  it('I4: gives no key more than its limit, and lends the rest to others', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 4, scheduling: 'fair', fairnessLimit: 2 });
    const { served, call } = callers(fixture);
    const all = Array.from({ length: 6 }, () => call('noisy', { fairnessKey: 'noisy' }));
    await fixture.clock.advance(1);
    expect(fixture.stats).toMatchObject({ used: 2, waiting: 4 });
    all.push(call('quiet', { fairnessKey: 'quiet' }), call('nobody'));
    await fixture.clock.advance(1);
    expect(served).toEqual(['noisy', 'noisy', 'quiet', 'nobody']);
    await fixture.clock.advance(100);
    await Promise.all(all);
    expect(served).toHaveLength(8);
    // None was opened for the waiters that could not be served.
    expect(fixture.stats.opened).toBe(4);
  });

  it('serves a key whose entry was destroyed, lost, or is being cleaned, with another', async () => {
    await using fixture = new PoolFixture({
      connectionLimit: 3,
      minIdle: 3,
      scheduling: 'fair',
      fairnessLimit: 1,
      validateAfterIdle: Number.POSITIVE_INFINITY,
    });
    await fixture.pool.ready();
    fixture.factory.script('recycle', { kind: 'hold' });
    for (const end of ['destroy', 'lose', 'release'] as const) {
      const lease = await fixture.acquire({ fairnessKey: 'a' });
      const next = fixture.acquire({ fairnessKey: 'a' });
      await fixture.clock.advance(1);
      expect(fixture.stats.waiting).toBe(1);
      if (end === 'lose') {
        lease.resource.lent = false;
        lease.resource.lose();
      } else if (end === 'destroy') {
        lease.resource.lent = false;
        lease.destroy();
      } else lease.release();
      await fixture.clock.advance(60);
      const served = await next;
      served.resource.lent = false;
      served.destroy();
      await fixture.clock.advance(1_000);
    }
  });

  it.each(['evict', 'destroy'] as const)(
    'I2: opens another for a key whose entry goes for good (%s), before that is closed',
    async (end) => {
      await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0, scheduling: 'fair', fairnessLimit: 1 });
      const lease = await fixture.acquire({ fairnessKey: 'a' });
      const next = fixture.acquire({ fairnessKey: 'a' });
      fixture.factory.script('close', { kind: 'hold' });
      if (end === 'evict') lease.evict();
      lease.resource.lent = false;
      if (end === 'evict') lease.release();
      else lease.destroy();
      expect(fixture.stats).toMatchObject({ closing: 1, opening: 1 });
      await fixture.clock.advance(60);
      (await next).release();
    },
  );

  it('I4: keeps nothing idle beyond a lowered limit for those whose key has its share', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, scheduling: 'fair', fairnessLimit: 1 });
    fixture.factory.script('recycle', { kind: 'hold' });
    const lease = await fixture.acquire({ fairnessKey: 'a' });
    const other = await fixture.acquire();
    const next = fixture.acquire({ fairnessKey: 'a' });
    other.resource.lent = false;
    other.release();
    expect(fixture.stats).toMatchObject({ used: 1, checking: 1, waiting: 1 });
    fixture.pool.resize({ connectionLimit: 1 });
    for (const cleaning of fixture.factory.held.splice(0)) cleaning.succeed();
    await fixture.clock.advance(1);
    expect(fixture.stats).toMatchObject({ used: 1, idle: 0, waiting: 1, closedByReason: { surplus: 1 } });
    lease.resource.lent = false;
    lease.destroy();
    await fixture.clock.advance(60);
    const served = await next;
    served.resource.lent = false;
    served.destroy();
  });

  it('refuses the less urgent first when the queue is full', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, scheduling: 'fair', queueLimit: 2 });
    const { served, call } = callers(fixture);
    const all = [call('first')];
    await fixture.clock.advance(1);
    const low = errorOf(fixture.acquire({ priority: 'low' }), 'POOL_QUEUE_FULL');
    all.push(call('normal'), call('high', { priority: 'high' }));
    await low;
    await errorOf(fixture.acquire({ priority: 'low' }), 'POOL_QUEUE_FULL');
    await fixture.clock.advance(100);
    await Promise.all(all);
    expect(served).toEqual(['first', 'high', 'normal']);
  });

  it('I2: refuses every waiter when the pool is closed, even those whose key has its share', async () => {
    const fixture = new PoolFixture({ connectionLimit: 2, scheduling: 'fair', fairnessLimit: 1 });
    const lease = await fixture.acquire({ fairnessKey: 'a' });
    const told = [1, 2, 3].map(() => errorOf(fixture.acquire({ fairnessKey: 'a' }), 'POOL_CLOSED'));
    const closed = fixture.pool.close();
    lease.resource.lent = false;
    await fixture.clock.advance(20_000);
    await Promise.all([...told, closed]);
    expect(fixture.stats).toMatchObject({ waiting: 0, refused: 3 });
  });

  it('I11: forgets keys that have nothing here', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, scheduling: 'fair', fairnessLimit: 1 });
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < 20_000; count += 1)
      (await fixture.acquire({ fairnessKey: `tenant ${count} ${'x'.repeat(1_000)}` })).release();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 2 ** 20);
  });

  it.each([
    [{ priority: 'urgent' as never }, 'priority must be one of high, normal, low'],
    [{ fairnessKey: '' }, 'fairnessKey must be a string that is not empty'],
    [{ fairnessKey: 5 as never }, 'fairnessKey must be a string'],
  ])('refuses %o', async (options, message) => {
    await using fixture = new PoolFixture({ scheduling: 'fair' });
    expect((await errorOf(fixture.acquire(options), 'POOL_OPTION_INVALID')).message).toContain(message);
  });
});

describe('a plain pool', () => {
  it('does not pretend that it knows priorities and keys', async () => {
    await using fixture = new PoolFixture();
    const priority = await errorOf(fixture.acquire({ priority: 'high' }), 'POOL_OPTION_INVALID');
    expect(priority.message).toBe("priority needs a pool with scheduling: 'fair'.");
    await errorOf(fixture.acquire({ fairnessKey: 'a' }), 'POOL_OPTION_INVALID');
    expect(() => new PoolFixture({ fairnessLimit: 2 })).toThrow("fairnessLimit (2) needs scheduling: 'fair'.");
  });
});

describe('one tenant that asks for 100 times what the others ask for', () => {
  /** The 99th percentile of what the quiet tenants' calls take, in milliseconds of the fake clock. */
  async function quietP99(noisy: boolean): Promise<number> {
    await using fixture = new PoolFixture({
      connectionLimit: 10,
      minIdle: 10,
      scheduling: 'fair',
      fairnessLimit: 8,
      acquireTimeout: 1_000,
    });
    const { clock } = fixture;
    await fixture.pool.ready();
    const tookMs: number[] = [];
    const call = async (fairnessKey: string, note: boolean): Promise<void> => {
      const startedAt = clock.now();
      const lease = await fixture.acquire({ fairnessKey }).catch(() => undefined);
      if (lease === undefined) return;
      await clock.wait(10);
      lease.release();
      if (note) tookMs.push(clock.now() - startedAt);
    };
    const calls: Promise<void>[] = [];
    // Ten tenants with 20 calls a second each, one with 2 000; 1 000 a second is what the pool can do.
    for (let ms = 0; ms < 2_000; ms += 5) {
      calls.push(call(`tenant ${(ms / 5) % 10}`, true));
      if (noisy) for (let count = 0; count < 10; count += 1) calls.push(call('noisy', false));
      await clock.advance(5);
    }
    await clock.advance(3_000);
    await Promise.all(calls);
    return tookMs.toSorted((a, b) => a - b)[Math.floor(tookMs.length * 0.99)] as number;
  }

  it('does not raise their 99th percentile by more than 2 times', async () => {
    const alone = await quietP99(false);
    expect(alone).toBeGreaterThanOrEqual(10);
    expect(await quietP99(true)).toBeLessThanOrEqual(2 * alone);
  });
});
