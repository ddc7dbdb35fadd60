import { describe, expect, it } from 'vitest';
import { startMariaDb } from '../../src/demo/mariadb-server.js';
import { createDatabase } from '../support/database.js';
import { outcomeOf, poolOf } from './support/pools.js';

describe('I8: a server that takes no more prepared statements (1461)', () => {
  it('fails nobody: the pool closes what it has prepared before, and prepares anew', async () => {
    await using server = await startMariaDb({ arguments: ['--max-prepared-stmt-count=60'] });
    await using database = await createDatabase(server);
    await using pool = poolOf(database, { connectionLimit: 4 });
    let texts = 0;
    const failures: unknown[] = [];
    /** A text of its own, and its answer. */
    const run = async (work: (text: string) => Promise<unknown>): Promise<void> => {
      texts += 1;
      const value = texts;
      const outcome = await outcomeOf(work(`SELECT ${value} AS value`));
      if ('error' in outcome) failures.push(outcome.error);
      else expect((outcome.value as unknown[])[0]).toEqual([{ value }]);
    };
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 50 }, () => run((text) => pool.execute(text))));
      await Promise.all(Array.from({ length: 10 }, () => run((text) => pool.transaction((tx) => tx.execute(text)))));
      await run(async (text) => {
        await using connection = await pool.getConnection();
        return await connection.execute(text);
      });
    }
    expect(failures).toEqual([]);
    expect(texts).toBe(305);
    const status = await database.admin("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'");
    expect(Number((status[0] as { Value?: string } | undefined)?.Value)).toBeLessThanOrEqual(60);
    expect(pool.stats()).toMatchObject({ used: 0, waiting: 0 });
  });
});
