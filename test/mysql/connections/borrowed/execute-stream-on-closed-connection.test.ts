import { describe, expect, it } from 'vitest';
import { borrowByCallback, errorOf, openPool } from '../../../support/pool-on-database.js';

describe('I11: execute() without a callback on a connection that is gone', () => {
  it('fails as a stream, and does not throw', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const connection = await borrowByCallback(fixture.pool);
    connection.destroy();
    const command = connection.execute('SELECT 1');
    expect(await errorOf(command.stream().toArray())).toMatchObject({ code: 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR' });
  });

  it('with a callback calls it once', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const connection = await borrowByCallback(fixture.pool);
    connection.destroy();
    let calls = 0;
    connection.execute('SELECT 1', () => (calls += 1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).toBe(1);
  });
});
