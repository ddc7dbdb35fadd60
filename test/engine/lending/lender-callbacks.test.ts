import { describe, expect, it } from 'vitest';
import type { Lease } from '../../../src/engine/entries/entry.js';
import { driverError, type FakeResource, hold, succeed } from '../support/fake-factory.js';
import { NotingWaiter } from '../support/noting-waiter.js';
import { PoolFixture } from '../support/pool-fixture.js';
import { catchThrownInMicrotasks } from '../support/thrown-in-microtasks.js';

describe('what a waiter does while it is served or refused', () => {
  it('I1: releasing at once passes the entry on, in order, without growing the stack', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const order: number[] = [];
    for (let index = 0; index < 20_000; index += 1) {
      fixture.pool.enqueue(
        new NotingWaiter((granted) => {
          order.push(index);
          granted.release();
        }),
      );
    }
    lease.release();
    expect(order).toHaveLength(20_000);
    expect(order.every((index, position) => index === position)).toBe(true);
    expect(fixture.stats).toMatchObject({ idle: 1, used: 0, waiting: 0, acquired: 20_001, released: 20_001 });
  });

  it('destroying at once makes the next one wait for a new entry', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const destroying = new NotingWaiter((granted) => granted.destroy());
    const next = new NotingWaiter();
    fixture.pool.enqueue(destroying);
    fixture.pool.enqueue(next);
    lease.release();
    expect(next.lease).toBeUndefined();
    await fixture.clock.settle();
    expect(next.lease?.resource.id).toBe(2);
    next.lease?.release();
    expect(fixture.stats.closedByReason.destroyed).toBe(1);
  });

  it('acquiring again at once joins the end of the queue', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const order: string[] = [];
    const note = (name: string) => (granted: Lease<FakeResource>) => {
      order.push(name);
      granted.release();
    };
    fixture.pool.enqueue(
      new NotingWaiter((granted) => {
        order.push('first');
        fixture.pool.enqueue(new NotingWaiter(note('again')));
        granted.release();
      }),
    );
    fixture.pool.enqueue(new NotingWaiter(note('second')));
    lease.release();
    expect(order).toEqual(['first', 'second', 'again']);
    expect(fixture.stats).toMatchObject({ waiting: 0, idle: 1 });
  });

  it('closing the pool at once ends the lease and refuses the others', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    let closed: Promise<void> | undefined;
    const closing = new NotingWaiter(() => {
      closed = fixture.pool.close();
    });
    const next = new NotingWaiter();
    fixture.pool.enqueue(closing);
    fixture.pool.enqueue(next);
    lease.release();
    expect(closing.lease?.active).toBe(false);
    expect(next.error?.code).toBe('POOL_CLOSED');
    await closed;
    expect(fixture.stats).toMatchObject({ total: 0, state: 'closed' });
  });

  it('evicting everything at once still serves the others', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const evicting = new NotingWaiter((granted) => {
      fixture.pool.evict();
      granted.release();
    });
    const next = new NotingWaiter();
    fixture.pool.enqueue(evicting);
    fixture.pool.enqueue(next);
    lease.release();
    await fixture.clock.settle();
    expect(next.lease?.resource.id).toBe(2);
    next.lease?.release();
    expect(fixture.stats.closedByReason.evicted).toBe(1);
  });

  it('suspending at once makes the others wait', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const suspending = new NotingWaiter((granted) => {
      fixture.pool.suspend();
      granted.release();
    });
    const next = new NotingWaiter();
    fixture.pool.enqueue(suspending);
    fixture.pool.enqueue(next);
    lease.release();
    expect(next.lease).toBeUndefined();
    expect(fixture.stats).toMatchObject({ idle: 1, waiting: 1 });
    fixture.pool.resume();
    expect(next.lease?.active).toBe(true);
    next.lease?.release();
  });

  it('suspending while several are served makes those behind wait', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 3 });
    await fixture.warmUp(3);
    fixture.pool.suspend();
    const suspending = new NotingWaiter(() => fixture.pool.suspend());
    const next = new NotingWaiter();
    fixture.pool.enqueue(suspending);
    fixture.pool.enqueue(next);
    fixture.pool.resume();
    expect(suspending.lease?.active).toBe(true);
    expect(next.lease).toBeUndefined();
    expect(fixture.stats).toMatchObject({ state: 'suspended', idle: 2, used: 1, waiting: 1 });
    fixture.pool.resume();
    expect(next.lease?.active).toBe(true);
    suspending.lease?.release();
    next.lease?.release();
  });

  it('I2: a waiter that acquires again when it is refused waits again, and is not refused with the others of that moment', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0 });
    fixture.factory.script('open', hold);
    const again = new NotingWaiter((granted) => granted.release());
    fixture.pool.enqueue(new NotingWaiter(undefined, () => fixture.pool.enqueue(again)));
    const other = new NotingWaiter();
    fixture.pool.enqueue(other);
    fixture.factory.take('open').fail(driverError('ECONNREFUSED'));
    await fixture.clock.settle();
    expect(other.error?.code).toBe('POOL_CONNECT_FAILED');
    expect(again.error).toBeUndefined();
    expect(fixture.pool.waiting).toBe(1);
    fixture.factory.script('open', succeed);
    await fixture.clock.advance(150);
    expect(again.lease?.resource.id).toBe(2);
    expect(fixture.stats).toMatchObject({ refused: 2, acquired: 1 });
  });

  it('I2: cancelling others when refused or timed out settles each of them once', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, acquireTimeout: 100 });
    const lease = await fixture.acquire();
    const waiters: NotingWaiter[] = [];
    const cancelNext = (index: number) => (): void => {
      const next = waiters[index + 1];
      if (next !== undefined) fixture.pool.cancel(next, 'with me');
    };
    for (let index = 0; index < 5; index += 1) waiters.push(new NotingWaiter(undefined, cancelNext(index)));
    for (const waiter of waiters) fixture.pool.enqueue(waiter);
    await fixture.clock.advance(120);
    expect(waiters.map(({ error }) => error?.code)).toEqual(['POOL_ACQUIRE_TIMEOUT', ...Array<string>(4).fill('POOL_ABORTED')]);
    expect(fixture.stats).toMatchObject({ timedOut: 1, cancelled: 4, waiting: 0 });
    lease.release();
  });

  it('I2: cancelling others when refused with them settles each of them once', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    await fixture.acquire();
    const second = new NotingWaiter();
    const first = new NotingWaiter(undefined, () => fixture.pool.cancel(second, 'with me'));
    fixture.pool.enqueue(first);
    fixture.pool.enqueue(second);
    await fixture.pool.close();
    expect([first.error?.code, second.error?.code]).toEqual(['POOL_CLOSED', 'POOL_ABORTED']);
    expect(fixture.stats).toMatchObject({ refused: 1, cancelled: 1 });
  });

  it('a drain that begins while an acquire is served ends when that lease has', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2 });
    await fixture.warmUp(2);
    let report: ReturnType<typeof fixture.pool.drain> | undefined;
    fixture.pool.enqueue(
      new NotingWaiter((granted) => {
        report = fixture.pool.drain({ timeout: 10_000 });
        granted.release();
      }),
    );
    await fixture.clock.settle();
    expect(fixture.pool.state).toBe('closed');
    await expect(report).resolves.toMatchObject({ complete: true, durationMs: 0, cutOff: [], refused: 0 });
  });
});

describe('a factory whose park() and unpark() throw', () => {
  it('leaves no caller waiting, and no entry half-way: what it throws is the process’s problem', async () => {
    const thrown: unknown[] = [];
    const restore = catchThrownInMicrotasks(thrown);
    try {
      const bug = new Error('a bug of the factory');
      const methods = {
        park: (resource: FakeResource): void => {
          resource.parked = true;
          throw bug;
        },
        unpark: (resource: FakeResource): void => {
          resource.parked = false;
          throw bug;
        },
      };
      await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0 }, { methods });
      for (let round = 0; round < 3; round += 1) {
        const uses = Array.from({ length: 5 }, async () => {
          const lease = await fixture.pool.acquire();
          lease.release();
        });
        await fixture.clock.settle();
        await Promise.all(uses);
        expect(fixture.stats).toMatchObject({ used: 0, waiting: 0 });
      }
      expect(fixture.pool.tryAcquire()?.release()).toBe(true);
    } finally {
      restore();
    }
    expect(thrown.length).toBeGreaterThan(0);
  });
});
