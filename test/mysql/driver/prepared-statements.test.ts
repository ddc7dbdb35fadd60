import { describe, expect, it } from 'vitest';
import type { ManagedConnection } from '../../../src/mysql/connections/managed-connection.js';
import { createDatabase } from '../../support/servers/database.js';
import { outcomeOf, poolOf } from '../../support/pool-on-database.js';
import { startServer } from '../../support/sql-servers/this-server.js';

describe('I8: a server that takes no more prepared statements (1461)', () => {
  it('fails no caller: the pool closes what it has prepared before, and prepares again', async () => {
    await using server = await startServer({ arguments: ['--max-prepared-stmt-count=60'] });
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

describe('the room for prepared statements', () => {
  async function preparedOn(connection: ManagedConnection): Promise<number> {
    const rows = await new Promise<unknown>((resolve, reject) => {
      connection.query("SHOW SESSION STATUS LIKE 'Com_stmt_%'", (error: Error | null, answer: unknown) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
    const counts = new Map((rows as { Variable_name: string; Value: string }[]).map((row) => [row.Variable_name, Number(row.Value)]));
    return (counts.get('Com_stmt_prepare') ?? 0) - (counts.get('Com_stmt_close') ?? 0);
  }

  it('grows with them, up to what the connection may keep; then the least recently used one is closed', async () => {
    await using database = await createDatabase();
    await using pool = poolOf(database, { connectionLimit: 1, maxPreparedStatements: 300 });
    await using connection = await pool.getConnection();
    const raw = connection.connection as unknown as ManagedConnection;
    expect(raw._statements.max).toBe(16);
    expect(raw.config.maxPreparedStatements).toBe(300);
    const run = async (value: number): Promise<void> => {
      const [rows] = await connection.execute(`SELECT ${value} AS value`);
      expect(rows).toEqual([{ value }]);
    };
    for (let value = 0; value < 100; value += 1) await run(value);
    expect(raw._statements).toMatchObject({ max: 256, size: 100 });
    expect(await preparedOn(raw)).toBe(100);
    for (let value = 100; value < 310; value += 1) await run(value);
    expect(raw._statements).toMatchObject({ max: 300, size: 300 });
    expect(await preparedOn(raw)).toBe(300);
    // All still answer correctly, including those that were there before it grew; the first ten are prepared again.
    for (let value = 0; value < 310; value += 1) await run(value);
    expect(await preparedOn(raw)).toBe(300);
  });

  it('is as small as the option says', async () => {
    await using database = await createDatabase();
    await using pool = poolOf(database, { connectionLimit: 1, maxPreparedStatements: 2 });
    await using connection = await pool.getConnection();
    const raw = connection.connection as unknown as ManagedConnection;
    for (const text of ['SELECT 1', 'SELECT 2', 'SELECT 3', 'SELECT 1']) await connection.execute(text);
    expect(raw._statements).toMatchObject({ max: 2, size: 2 });
    expect(await preparedOn(raw)).toBe(2);
  });
});
