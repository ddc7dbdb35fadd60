import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { failWith, type FakeFactory, succeedAfter } from '../support/fake-factory.js';
import { NotingWaiter } from '../support/noting-waiter.js';
import { PoolFixture } from '../support/pool-fixture.js';

const store = new AsyncLocalStorage<string>();

/** Notes where its waiter is granted or refused, and gives back at once. */
function seenBy(fixture: PoolFixture, name: string, seen: unknown[], options?: { timeout?: number; signal?: AbortSignal }): void {
  const waiter = new NotingWaiter(
    (lease) => {
      seen.push([name, 'granted', store.getStore()]);
      lease.release();
    },
    (error) => seen.push([name, error.code, store.getStore()]),
  );
  store.run(name, () => fixture.pool.enqueue(waiter, options));
}

describe('a waiter', () => {
  it.each(['fifo', 'fair'] as const)('is granted in the context of its acquire, at any depth of the queue: %s', async (scheduling) => {
    await using fixture = new PoolFixture({ connectionLimit: 1, scheduling });
    const lease = await fixture.acquire();
    const seen: unknown[] = [];
    const names = Array.from({ length: 100 }, (_, index) => `request ${index}`);
    for (const name of names) seenBy(fixture, name, seen);
    store.run('who gives it back', () => lease.release());
    expect(seen).toEqual(names.map((name) => [name, 'granted', name]));
  });

  it('is granted there, too, by an entry that is opened or checked for another', async () => {
    await using fixture = new PoolFixture(
      { connectionLimit: 1, validateAfterIdle: 10 },
      { prepare: (factory) => factory.script('open', succeedAfter(5)) },
    );
    const seen: unknown[] = [];
    seenBy(fixture, 'first', seen);
    seenBy(fixture, 'second', seen);
    await fixture.clock.advance(10);
    await fixture.clock.advance(100);
    seenBy(fixture, 'third', seen);
    await fixture.clock.advance(10);
    expect(seen).toEqual([
      ['first', 'granted', 'first'],
      ['second', 'granted', 'second'],
      ['third', 'granted', 'third'],
    ]);
  });

  it('is refused there, no matter what refuses it', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const lease = await fixture.acquire();
    const seen: unknown[] = [];
    const abort = new AbortController();
    seenBy(fixture, 'late', seen, { timeout: 50 });
    seenBy(fixture, 'given up', seen, { signal: abort.signal });
    await store.run('another', () => fixture.clock.advance(100));
    store.run('another', () => abort.abort());
    seenBy(fixture, 'at the end', seen);
    const closed = store.run('who closes', () => fixture.pool.close());
    expect(seen).toEqual([
      ['late', 'POOL_ACQUIRE_TIMEOUT', 'late'],
      ['given up', 'POOL_ABORTED', 'given up'],
      ['at the end', 'POOL_CLOSED', 'at the end'],
    ]);
    lease.release();
    await fixture.clock.advance(20_000);
    await closed;
  });

  it('has no context to remember when it need not wait', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    (await fixture.acquire()).release();
    const waiter = new NotingWaiter((lease) => {
      expect(waiter.context).toBeUndefined();
      lease.release();
    });
    fixture.pool.enqueue(waiter);
    expect(waiter.lease).toBeDefined();
  });
});

function noteContexts(factory: FakeFactory, seen: unknown[]): void {
  for (const method of ['open', 'validate', 'close'] as const) {
    const original = factory[method].bind(factory) as (...parameters: unknown[]) => unknown;
    Object.assign(factory, {
      [method]: (...parameters: unknown[]) => {
        seen.push([method, store.getStore()]);
        return original(...parameters);
      },
    });
  }
}

describe('the work of a pool', () => {
  it('is done in the root context: opening, validating, closing, timers', async () => {
    const seen: unknown[] = [];
    await store.run('a request', async () => {
      await using fixture = new PoolFixture(
        { connectionLimit: 2, validateAfterIdle: 10, idleTimeout: 1_000 },
        { prepare: (factory) => noteContexts(factory, seen) },
      );
      (await fixture.acquire()).release();
      await fixture.clock.advance(100);
      const checked = fixture.acquire();
      await fixture.clock.advance(1);
      (await checked).destroy();
      fixture.factory.script('open', failWith(new Error('not now'), 5));
      const late = fixture.acquire({ timeout: 10_000 });
      await fixture.clock.advance(5_000);
      (await late).release();
      await fixture.clock.advance(5_000);
    });
    expect(new Set(seen.map((one) => (one as [string])[0]))).toEqual(new Set(['open', 'validate', 'close']));
    expect(seen.filter((one) => (one as unknown[])[1] !== undefined)).toEqual([]);
  });

  it('reports to listeners in the contexts in which they were added', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1 });
    const seen: unknown[] = [];
    store.run('who listens', () => {
      fixture.pool.on('opened', () => seen.push(store.getStore()));
      fixture.pool.observeDurations('acquire', () => seen.push(store.getStore()));
    });
    await store.run('a request', async () => (await fixture.acquire()).release());
    await fixture.clock.settle();
    expect(seen).toEqual(['who listens', 'who listens']);
  });
});
