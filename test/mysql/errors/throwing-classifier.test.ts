import { describe, expect, it } from 'vitest';
import { connectionId, errorOf, openPool } from '../../support/pool-on-database.js';
import { captureUncaught } from '../support/uncaught.js';

describe('I2, I11: a classifyError that throws', () => {
  it('keeps no caller from its error, and the classes are those of the pool', async () => {
    using uncaught = captureUncaught();
    const warnings: string[] = [];
    const note = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', note);
    await using fixture = await openPool({
      connectionLimit: 1,
      classifyError: () => {
        throw new Error('a bug of the application');
      },
    });
    const { pool } = fixture;
    const first = await connectionId(pool);
    expect(await errorOf(pool.query('SELECT * FROM missing'))).toMatchObject({ errno: 1146 });
    expect(await connectionId(pool)).toBe(first);
    await errorOf(pool.query("SIGNAL SQLSTATE '08S01' SET MYSQL_ERRNO = 1927"));
    expect(await connectionId(pool)).not.toBe(first);
    process.off('warning', note);
    expect(warnings[0]).toContain('a bug of the application');
    expect(uncaught.errors).toEqual([]);
  });
});
