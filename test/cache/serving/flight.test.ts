import { describe, expect, it } from 'vitest';
import { Flight, type Landing } from '../../../src/cache/serving/flight.js';
import { errorOf } from '../../support/pool-on-database.js';

interface Started {
  readonly flight: Flight;
  readonly land: (value: unknown, shared?: boolean) => void;
  readonly fail: (error: Error) => void;
}

function started(): Started {
  const flight = new Flight([], 0, 0);
  let settle: { resolve: (landing: Landing) => void; reject: (error: Error) => void } | undefined;
  flight.start(
    () =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
      }),
  );
  return {
    flight,
    land: (value, shared = false) => settle?.resolve({ value, shared }),
    fail: (error) => settle?.reject(error),
  };
}

describe('a loading', () => {
  it('gives its only caller the original, and several callers none', async () => {
    const value = { id: 1 };
    const alone = started();
    const one = alone.flight.join({}, 'value');
    alone.land(value);
    expect(await one).toEqual({ value, own: true });
    const shared = started();
    const both = [shared.flight.join({}, 'value'), shared.flight.join({}, 'value')];
    shared.land(value);
    expect((await Promise.all(both)).map(({ own }) => own)).toEqual([false, false]);
  });

  it('gives no caller the object that the cache has', async () => {
    const { flight, land } = started();
    const one = flight.join({}, 'value');
    land({ id: 1 }, true);
    expect((await one).own).toBe(false);
  });

  it('fails for all callers alike', async () => {
    const { flight, fail } = started();
    const both = [errorOf(flight.join({}, 'value')), errorOf(flight.join({ timeout: 60_000 }, 'value'))];
    fail(new Error('no'));
    expect((await Promise.all(both)).map((error) => (error as Error).message)).toEqual(['no', 'no']);
    expect(flight.abandoned).toBe(false);
  });

  it('is abandoned when the last caller has given up, not before', async () => {
    const { flight } = started();
    const [first, second] = [new AbortController(), new AbortController()];
    const both = [errorOf(flight.join({ signal: first.signal }, 'value')), errorOf(flight.join({ signal: second.signal }, 'value'))];
    const { signal } = flight;
    first.abort(new Error('why'));
    expect(await both[0]).toMatchObject({ code: 'POOL_ABORTED', cause: new Error('why') });
    expect([flight.abandoned, signal.aborted]).toEqual([false, false]);
    second.abort();
    expect(await both[1]).toMatchObject({ code: 'POOL_ABORTED' });
    expect([flight.abandoned, signal.aborted]).toEqual([true, true]);
    expect(signal.reason).toMatchObject({ code: 'POOL_ABORTED' });
  });

  it('that was abandoned gives a signal that has aborted', async () => {
    const { flight } = started();
    expect(await errorOf(flight.join({ timeout: 1 }, 'value'))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    expect(flight.signal.aborted).toBe(true);
  });

  it('that is held open continues without callers', async () => {
    const { flight, land } = started();
    flight.holdOpen();
    expect(await errorOf(flight.join({ signal: AbortSignal.abort() }, 'value'))).toMatchObject({ code: 'POOL_ABORTED' });
    expect(flight.abandoned).toBe(false);
    land('value');
    expect(await flight.join({}, 'value')).toMatchObject({ value: 'value' });
  });

  it('that has landed is not abandoned when its callers are gone', async () => {
    const { flight, land } = started();
    const one = flight.join({}, 'value');
    land('value');
    await one;
    expect(flight.abandoned).toBe(false);
  });
});
