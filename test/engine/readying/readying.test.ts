import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import type { Preparation } from '../../../src/engine/contract/factory.js';
import type { PoolOptions } from '../../../src/engine/contract/options.js';
import type { FakeResource } from '../support/fake-factory.js';
import { NotingWaiter } from '../support/noting-waiter.js';
import { errorOf, PoolFixture } from '../support/pool-fixture.js';

/** A call of `prepare` that the test answers. */
interface Prepared extends Preparation {
  readonly resource: FakeResource;
  ready(refusal?: PoolError): void;
  fail(error: unknown): void;
}

/** A pool that makes each resource ready for each borrower, as the test says. */
class Readied {
  readonly calls: Prepared[] = [];
  readonly fixture: PoolFixture;

  constructor(options: PoolOptions = {}, preparesEach = true) {
    const prepare = (resource: FakeResource, preparation: Preparation): Promise<PoolError | undefined> =>
      new Promise((resolve, reject) => {
        this.calls.push({ ...preparation, resource, ready: resolve, fail: reject });
      });
    const methods = { prepare, preparesEach: preparesEach as never };
    this.fixture = new PoolFixture(
      { minIdle: 0, connectionLimit: 1, validateAfterIdle: Number.POSITIVE_INFINITY, ...options },
      { methods },
    );
  }

  async enqueue(options = {}): Promise<NotingWaiter> {
    const waiter = new NotingWaiter();
    this.fixture.pool.enqueue(waiter, options);
    await this.fixture.clock.settle();
    return waiter;
  }

  last(): Prepared {
    return this.calls.at(-1) as Prepared;
  }

  async answer(act: () => void): Promise<void> {
    act();
    await this.fixture.clock.settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fixture[Symbol.asyncDispose]();
  }
}

describe('a resource that is made ready for its borrower', () => {
  it('is handed over when it is ready, and counts as waited for until then', async () => {
    await using readied = new Readied();
    const waiter = await readied.enqueue();
    expect(readied.last()).toMatchObject({ mark: undefined, from: undefined, uses: 0 });
    expect(waiter.lease).toBeUndefined();
    expect(readied.fixture.stats).toMatchObject({ waiting: 1, used: 0, checking: 1, acquired: 0, total: 1 });
    await readied.fixture.clock.advance(30);
    await readied.answer(() => readied.last().ready());
    expect(readied.fixture.stats).toMatchObject({ waiting: 0, used: 1, checking: 0, acquired: 1, acquire: { count: 1 } });
    waiter.lease?.release();
    await readied.enqueue();
    expect(readied.last().uses).toBe(1);
    await readied.answer(() => readied.last().ready());
  });

  it('goes to the waiters in order, each of them after its own preparation (I1, I3)', async () => {
    await using readied = new Readied();
    const first = await readied.enqueue();
    const second = await readied.enqueue();
    await readied.answer(() => readied.last().ready());
    await readied.answer(() => void first.lease?.release());
    expect([readied.calls.length, second.lease]).toEqual([2, undefined]);
    await readied.answer(() => readied.last().ready());
    expect([first.lease?.active, second.lease?.active]).toEqual([false, true]);
  });

  it('fails its acquire with the error of the preparation, and is closed for it', async () => {
    await using readied = new Readied();
    const waiter = await readied.enqueue();
    await readied.answer(() => readied.last().fail(new Error('no tenant')));
    expect(waiter.error).toMatchObject({ code: 'POOL_HOOK_FAILED', cause: { message: 'no tenant' } });
    expect(readied.fixture.stats).toMatchObject({ refused: 1, total: 0, closedByReason: { hook: 1 }, released: 0 });
  });

  it('does not bring a storm of openings when every preparation fails (I6)', async () => {
    await using readied = new Readied({ connectionLimit: 5 });
    for (let i = 0; i < 10; i += 1) void readied.enqueue();
    await readied.fixture.clock.settle();
    for (let i = 0; i < 3; i += 1) {
      for (const call of readied.calls.splice(0)) call.fail(new Error('never'));
      await readied.fixture.clock.settle();
    }
    expect(readied.fixture.factory.resources.length).toBeLessThan(10);
  });

  it('serves another when its acquire is refused and the resource is as it was', async () => {
    await using readied = new Readied();
    const first = await readied.enqueue();
    const second = await readied.enqueue();
    await readied.answer(() => readied.last().ready(new PoolError('POOL_SESSION_REFUSED', 'no such zone')));
    expect(first.error?.code).toBe('POOL_SESSION_REFUSED');
    expect(readied.calls).toHaveLength(2);
    await readied.answer(() => readied.last().ready());
    expect(second.lease?.resource.id).toBe(readied.calls[0]?.resource.id);
  });

  it('is closed when its caller has waited long enough, and a late answer changes nothing', async () => {
    await using readied = new Readied();
    const waiter = await readied.enqueue({ timeout: 100 });
    const late = readied.last();
    await readied.fixture.clock.advance(120);
    expect(waiter.error).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT', message: expect.stringContaining('made ready') as string });
    expect(readied.fixture.stats).toMatchObject({ timedOut: 1, total: 0, waiting: 0 });
    // Its own limit was brief: the pool has not failed it.
    expect(readied.fixture.pool.glance().timedOut).toBe(0);
    await readied.answer(() => late.ready());
    expect(waiter.lease).toBeUndefined();
  });

  it('is closed when its caller gives up, by cancel and by signal', async () => {
    await using readied = new Readied();
    const waiter = await readied.enqueue();
    expect(readied.fixture.pool.cancel(waiter, 'enough')).toBe(true);
    expect(waiter.error?.code).toBe('POOL_ABORTED');
    expect(readied.fixture.pool.cancel(waiter, 'enough')).toBe(false);
    const controller = new AbortController();
    const other = await readied.enqueue({ signal: controller.signal });
    controller.abort();
    expect(other.error?.code).toBe('POOL_ABORTED');
    await readied.fixture.clock.settle();
    expect(readied.fixture.stats).toMatchObject({ cancelled: 2, closedByReason: { hook: 2 } });
  });

  it('is closed after hookTimeout, though its caller would wait without end (I2)', async () => {
    await using readied = new Readied({ acquireTimeout: 0, hookTimeout: 200 });
    const waiter = await readied.enqueue();
    await readied.fixture.clock.advance(230);
    expect(waiter.error).toMatchObject({ code: 'POOL_HOOK_FAILED', message: expect.stringContaining('200 ms') as string });
  });

  it('that is lost meanwhile fails its acquire, in the next turn of the event loop', async () => {
    await using readied = new Readied();
    const waiter = await readied.enqueue();
    readied.last().resource.lose();
    expect(readied.fixture.stats).toMatchObject({ refused: 1, waiting: 0 });
    await expect.poll(() => waiter.error?.code).toBe('POOL_HOOK_FAILED');
  });

  it.each(['close', 'evict', 'leavePlace', 'resize', 'drain'] as const)(
    'settles once when the pool is changed by %s meanwhile',
    async (how) => {
      await using readied = new Readied({ connectionLimit: 2 });
      const { pool } = readied.fixture;
      const waiter = await readied.enqueue();
      const call = readied.last();
      if (how === 'resize') pool.resize({ connectionLimit: 1 });
      else if (how === 'evict' || how === 'leavePlace') pool[how]();
      else void pool[how]();
      await readied.answer(() => call.ready());
      const ended = how === 'close' || how === 'leavePlace';
      if (ended) await expect.poll(() => waiter.error?.code).toBe(how === 'close' ? 'POOL_CLOSED' : 'POOL_HOOK_FAILED');
      else expect(waiter.lease?.active).toBe(true);
      waiter.lease?.release();
      await readied.fixture.clock.settle();
      if (how === 'drain') expect(pool.state).toBe('closed');
    },
  );

  it('is refused by name to callers who may not wait, though it is no borrower’s yet', async () => {
    await using readied = new Readied({ waitForConnections: false });
    await readied.enqueue();
    expect((await errorOf(readied.fixture.pool.acquire(), 'POOL_QUEUE_FULL')).message).toContain('No connections available');
    await readied.answer(() => readied.last().ready());
  });

  it('does not keep others from having a resource opened for them', async () => {
    await using readied = new Readied({ connectionLimit: 2 });
    await readied.enqueue();
    await readied.enqueue();
    expect(readied.calls).toHaveLength(2);
    for (const call of readied.calls) await readied.answer(() => call.ready());
    expect(readied.fixture.stats.used).toBe(2);
  });

  it('is prepared in the asynchronous context of its own caller', async () => {
    const tenant = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const prepare = (): Promise<undefined> => {
      seen.push(tenant.getStore());
      return Promise.resolve(undefined);
    };
    await using fixture = new PoolFixture({ connectionLimit: 1 }, { methods: { prepare, preparesEach: true } });
    const first = tenant.run('one', () => fixture.pool.acquire());
    const second = tenant.run('two', () => fixture.pool.acquire());
    const lease = await first;
    tenant.run('three', () => lease.release());
    (await second).release();
    expect(seen).toEqual(['one', 'two']);
  });

  it('is prepared outside of the work of the pool: a throw and a call of the pool in it do no harm', async () => {
    const pool: { current?: PoolFixture['pool'] } = {};
    const prepare = (): never => {
      pool.current?.evict();
      throw new Error('thrown in prepare');
    };
    await using fixture = new PoolFixture({ minIdle: 0 }, { methods: { prepare, preparesEach: true } });
    pool.current = fixture.pool;
    expect((await errorOf(fixture.pool.acquire(), 'POOL_HOOK_FAILED')).message).toContain('thrown in prepare');
  });
});

describe('a mark', () => {
  const utc = { key: 'utc' };
  const tokyo = { key: 'tokyo' };

  /** Prepares at once, and notes from what to what. */
  function marking(options: PoolOptions = {}): { fixture: PoolFixture; changes: string[] } {
    const changes: string[] = [];
    const prepare = (resource: FakeResource, { mark, from }: Preparation): Promise<undefined> => {
      changes.push(`${resource.id}: ${from?.key ?? '-'} > ${mark?.key ?? '-'}`);
      return Promise.resolve(undefined);
    };
    const always = { minIdle: 0, validateAfterIdle: Number.POSITIVE_INFINITY };
    return { fixture: new PoolFixture({ ...always, connectionLimit: 3, ...options }, { methods: { prepare } }), changes };
  }

  it('is found again without another preparation, by its key', async () => {
    const { fixture, changes } = marking();
    await using _fixture = fixture;
    (await fixture.acquire({ mark: utc })).release();
    (await fixture.acquire({ mark: { key: 'utc' } })).release();
    expect(changes).toEqual(['1: - > utc']);
  });

  it('is never what a borrower without one gets: the resource is prepared first', async () => {
    const { fixture, changes } = marking({ connectionLimit: 1 });
    await using _fixture = fixture;
    (await fixture.acquire({ mark: utc })).release();
    expect(fixture.pool.tryAcquire()).toBeUndefined();
    (await fixture.acquire()).release();
    expect(changes).toEqual(['1: - > utc', '1: utc > -']);
    expect(fixture.pool.tryAcquire()?.release()).toBe(true);
  });

  it('overrides the most recent use, then comes a resource without one, then any', async () => {
    const { fixture, changes } = marking({ connectionLimit: 2 });
    await using _fixture = fixture;
    const [a, b] = [await fixture.acquire({ mark: utc }), await fixture.acquire()];
    a.release();
    b.release();
    changes.length = 0;
    (await fixture.acquire({ mark: utc })).release();
    expect(changes).toEqual([]);
    (await fixture.acquire({ mark: tokyo })).release();
    expect(changes).toEqual(['2: - > tokyo']);
    (await fixture.acquire()).release();
    expect(changes.at(-1)).toBe('2: tokyo > -');
  });

  it('does not change who is served first (I3)', async () => {
    const { fixture, changes } = marking({ connectionLimit: 1 });
    await using _fixture = fixture;
    const held = await fixture.acquire({ mark: utc });
    const order: string[] = [];
    const waits = [undefined, utc, tokyo].map(async (mark) => {
      const lease = await fixture.acquire(mark === undefined ? {} : { mark });
      order.push(mark?.key ?? '-');
      lease.release();
    });
    held.release();
    await Promise.all(waits);
    expect(order).toEqual(['-', 'utc', 'tokyo']);
    expect(changes).toEqual(['1: - > utc', '1: utc > -', '1: - > utc', '1: utc > tokyo']);
  });

  it('is gone when the factory says so', async () => {
    const { fixture, changes } = marking({ connectionLimit: 1 });
    await using _fixture = fixture;
    const lease = await fixture.acquire({ mark: utc });
    lease.resource.context.unmark();
    lease.release();
    (await fixture.acquire()).release();
    expect(changes).toEqual(['1: - > utc']);
  });

  it('is validated first where it was idle too long, before one without a mark', async () => {
    const { fixture } = marking({ validateAfterIdle: 0, connectionLimit: 2 });
    await using _fixture = fixture;
    const [a, b] = [await fixture.acquire({ mark: utc }), await fixture.acquire()];
    a.release();
    b.release();
    await fixture.clock.advance(10);
    const again = await fixture.acquire({ mark: utc });
    expect(again.resource).toBe(a.resource);
    again.release();
  });

  it('is refused by name where the factory prepares nothing, and when it is none', async () => {
    await using plain = new PoolFixture();
    expect((await errorOf(plain.pool.acquire({ mark: utc }), 'POOL_OPTION_INVALID')).message).toContain('prepare');
    const { fixture } = marking();
    await using _fixture = fixture;
    expect((await errorOf(fixture.pool.acquire({ mark: 'utc' as never }), 'POOL_OPTION_INVALID')).message).toContain('mark');
  });
});
