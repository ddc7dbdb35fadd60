import { describe, expect, it } from 'vitest';
import { errorOf, imbalanceOf, openPool } from '../../support/pool-on-database.js';
import { captureUncaught } from '../support/uncaught.js';

describe('I12: a value that is not a signal', () => {
  it.each([{}, 'abort', 5, null])('is refused with POOL_OPTION_INVALID, and the counters still add up: %j', async (signal) => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ acquireTimeout: 500 });
    const { pool } = fixture;
    const codes: (string | undefined)[] = [];
    for (const call of [
      () => pool.query({ sql: 'SELECT 1', signal: signal as never }),
      () => pool.getConnection({ signal: signal as never }).then((connection) => connection.release()),
    ]) {
      codes.push((await errorOf(call())).code);
    }
    expect([codes, imbalanceOf(pool.stats()), uncaught.errors]).toEqual([['POOL_OPTION_INVALID', 'POOL_OPTION_INVALID'], [], []]);
  });
});
