import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';

const URL = 'mysql://app@127.0.0.1:1/shop?minIdle=0';
const range = { connectionLimit: 50, sizeRange: { min: 5, max: 50 } };

describe('a range of connectionLimit', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is read from the URL', async () => {
    await using pool = createPool(`${URL}&connectionLimit=5-50`);
    expect(pool.options).toMatchObject(range);
    expect(pool.stats()).toMatchObject({ limit: 20, connectionLimit: 50, ceilings: { size: 20 } });
  });

  it('is read from the environment', async () => {
    vi.stubEnv('POOLWRIGHT_CONNECTION_LIMIT', '5-50');
    await using pool = createPool(URL);
    expect(pool.options).toMatchObject(range);
    await using other = createPool(URL, { connectionLimit: 7 });
    expect(other.options).toMatchObject({ connectionLimit: 7, sizeRange: undefined });
  });

  it('is refused by name when it is wrong', () => {
    expect(() => createPool(`${URL}&connectionLimit=50-5`)).toThrow('connectionLimit.min must be at most connectionLimit.max (5)');
  });
});
