import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { NotingWaiter } from '../support/noting-waiter.js';
import { errorOf, PoolFixture } from '../support/pool-fixture.js';

/** More refusals than this in one turn of the event loop are a caller that nothing interrupts. */
const MANY = 50;

/** Asks again as soon as it is refused, until the event loop has turned three times. */
async function refusalsInThreeTurns(acquire: () => Promise<unknown>): Promise<number> {
  const turns = { passed: 0 };
  const count = (): void => {
    turns.passed += 1;
    if (turns.passed < 3) setImmediate(count);
  };
  setImmediate(count);
  let refusals = 0;
  while (turns.passed < 3 && refusals < MANY) {
    await acquire().catch(() => undefined);
    refusals += 1;
  }
  return refusals;
}

const REFUSING: Readonly<Record<string, (fixture: PoolFixture) => void>> = {
  POOL_CLOSED: ({ pool }) => void pool.close(),
  POOL_DRAINING: ({ pool }) => void pool.drain(),
  POOL_WRITER_AMBIGUOUS: ({ pool }) => {
    const refusal = (): PoolError => new PoolError('POOL_WRITER_AMBIGUOUS', 'Two servers take writes.');
    pool.hold({ reason: () => 'two servers take writes', refusal });
  },
  POOL_QUEUE_FULL: ({ pool }) => pool.enqueue(new NotingWaiter()),
};

it.each(Object.entries(REFUSING))(
  'a caller that asks again at once after %s lets timers and sockets have their turn',
  async (code, begin) => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, queueLimit: 1 });
    const lease = await fixture.acquire();
    begin(fixture);
    await errorOf(fixture.pool.acquire(), code as 'POOL_CLOSED');
    expect(await refusalsInThreeTurns(() => fixture.pool.acquire())).toBeLessThan(MANY);
    fixture.pool.hold(undefined);
    fixture.pool.refuseWaiting(() => new PoolError('POOL_ABORTED', 'The test is over.'));
    lease.release();
  },
);

it('a caller without patience that asks a suspended pool again lets timers and sockets have their turn', async () => {
  await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, waitForConnections: false });
  fixture.pool.suspend();
  await errorOf(fixture.pool.acquire(), 'POOL_SUSPENDED');
  expect(await refusalsInThreeTurns(() => fixture.pool.acquire())).toBeLessThan(MANY);
  fixture.pool.resume();
});

it('all callers of a turn are refused in the next one, each where it asked', async () => {
  await using fixture = new PoolFixture({ connectionLimit: 1 });
  fixture.pool.hold({ reason: () => 'held', refusal: () => new PoolError('POOL_WRITER_AMBIGUOUS', 'Two servers take writes.') });
  const request = new AsyncLocalStorage<number>();
  const seen: (number | undefined)[] = [];
  for (const number of [1, 2, 3]) {
    const note = (): void => void seen.push(request.getStore());
    request.run(number, () => fixture.pool.enqueue(new NotingWaiter(undefined, note)));
  }
  expect(seen).toEqual([]);
  await nextTurn();
  expect(seen).toEqual([1, 2, 3]);
  fixture.pool.hold(undefined);
});

it('what is wrong with the call itself is said at once', async () => {
  await using fixture = new PoolFixture({ connectionLimit: 1 });
  const waiters = [new NotingWaiter(), new NotingWaiter()];
  fixture.pool.enqueue(waiters[0] as NotingWaiter, { timeout: -1 });
  fixture.pool.enqueue(waiters[1] as NotingWaiter, { signal: AbortSignal.abort() });
  expect(waiters.map(({ error }) => error?.code)).toEqual(['POOL_OPTION_INVALID', 'POOL_ABORTED']);
});
