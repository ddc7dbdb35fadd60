import { describe, expect, it } from 'vitest';
import { errorOf, openPool } from '../../support/pool-on-database.js';

describe('an error that mysql2 throws for bad arguments, after a wait for a connection', () => {
  it('has the caller’s line in its stack', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const held = await pool.getConnection();
    const failed = errorOf(pool.execute('SELECT ?', [undefined] as never));
    setImmediate(() => held.release());
    const error = await failed;
    expect(error.message).toContain('Bind parameters must not contain undefined');
    expect(error.stack?.split('\n').find((line) => line.includes('call-site-of-argument-errors'))).toMatch(/:\d+:\d+/u);
    expect(error.stack).not.toContain('Immediate');
  });
});
