import { describe, expect, it, vi } from 'vitest';
import { borrowByCallback, openPool, outcomeOf, valueOf } from '../../support/pool-on-database.js';
import { captureUncaught } from '../support/uncaught.js';
import { sequence } from '../../support/sql-servers/sequence.js';

describe('I1: a typeCast that throws in the middle of a result', () => {
  it.each(['query', 'execute'] as const)(
    'fails its own statement, and what is left of the result reaches no other caller: %s',
    async (method) => {
      const errors = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      vi.spyOn(console, 'trace').mockImplementation(() => undefined);
      try {
        await using fixture = await openPool({ connectionLimit: 1 });
        const { pool } = fixture;
        // Rows so large that each arrives in many pieces: the rest of the result is still on its way when the first row is looked at.
        const options = {
          sql: `SELECT seq, REPEAT('x', 900000) AS text FROM ${sequence(5)}`,
          typeCast: () => {
            throw new Error('cannot cast');
          },
        };
        const failing = (method === 'query' ? pool.query(options) : pool.execute(options)).catch((error: Error) => error.message);
        const next = outcomeOf(pool.query('SELECT 42 AS answer').then(([rows]) => rows));
        expect(await failing).toBe('cannot cast');
        expect(await next).toEqual({ value: [{ answer: 42 }] });
        expect(errors).not.toHaveBeenCalled();
      } finally {
        vi.restoreAllMocks();
      }
    },
  );
});

describe('a listener of a statement that throws', () => {
  it.each(['fields', 'result', 'end'])('ends in the process’s own handler, and the connection lives on: %s', async (event) => {
    using uncaught = captureUncaught();
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const before = await valueOf(pool, 'CONNECTION_ID()');
    const connection = await borrowByCallback(pool);
    const command = connection.query('SELECT 1 AS a');
    const ended = new Promise<void>((resolve) => {
      command.on('end', resolve);
    });
    command.on(event, () => {
      throw new Error('from a listener');
    });
    await ended;
    connection.release();
    expect(await valueOf(pool, 'CONNECTION_ID()')).toBe(before);
    expect(uncaught.errors).toMatchObject([{ message: 'from a listener' }]);
    expect(pool.stats().breakers.statement.failures).toBe(0);
  });
});
