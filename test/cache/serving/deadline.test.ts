import { describe, expect, it } from 'vitest';
import { createQueryCache } from '../../../src/cache/index.js';
import { currentDeadline, withDeadline } from '../../../src/resilience/deadline/deadline.js';
import { errorOf } from '../../support/pool-on-database.js';

describe('a deadline around cache.wrap()', () => {
  it('bounds the wait of its caller, not the loading that others wait for, too', async () => {
    const cache = createQueryCache();
    let loaded: (value: number) => void = () => expect.fail('it was not loaded');
    let bounded: boolean | undefined;
    const load = (): Promise<number> => {
      bounded = currentDeadline() !== undefined;
      return new Promise((resolve) => {
        loaded = resolve;
      });
    };
    const first = errorOf(withDeadline(20, () => cache.wrap('rates', load)));
    const second = cache.wrap('rates', load);
    expect(await first).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    loaded(7);
    expect(await second).toBe(7);
    expect(bounded).toBe(false);
    cache.close();
  });

  it('lets nothing be loaded once it has passed, or was given up', async () => {
    const cache = createQueryCache();
    let loads = 0;
    const ask = (): Promise<number> => cache.wrap('rates', async () => (loads += 1));
    expect(await errorOf(withDeadline(0, ask))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    expect(await errorOf(withDeadline(AbortSignal.abort('gone'), ask))).toMatchObject({ code: 'POOL_ABORTED', cause: 'gone' });
    expect(loads).toBe(0);
    cache.close();
  });
});
