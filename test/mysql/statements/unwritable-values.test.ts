import { describe, expect, it } from 'vitest';
import { createCallbackPoolCluster } from '../../../src/mysql/drop-in.js';
import { errorOf, imbalanceOf, openPool, valueOf } from '../../support/pool-on-database.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';

const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;

/** Values that JSON cannot hold, or that throw; the last of them nothing at all. */
const VALUES: readonly unknown[] = [
  { id: 10n },
  cyclic,
  {
    toJSON() {
      throw new Error('hostile');
    },
  },
  {
    toJSON() {
      // oxlint-disable-next-line typescript/only-throw-error -- Callers can.
      throw undefined;
    },
  },
];

type Execute = (pool: Pool, value: unknown) => Promise<unknown>;

const DOORS: Readonly<Record<string, Execute>> = {
  promise: (pool, value) => pool.execute('SELECT ? AS v', [value] as never),
  callback: (pool, value) => byCallback((done) => pool.pool.execute('SELECT ? AS v', [value] as never, done)),
  transaction: (pool, value) => pool.transaction((tx) => tx.execute('SELECT ? AS v', [value] as never)),
  borrowed: async (pool, value) => {
    await using connection = await pool.getConnection();
    return await connection.execute('SELECT ? AS v', [value] as never);
  },
  prepared: async (pool, value) => {
    await using connection = await pool.getConnection();
    const statement = await connection.prepare('SELECT ? AS v');
    return await statement.execute([value] as never);
  },
  'borrowed, with no callback': (pool, value) =>
    byCallback((done) => {
      pool.pool.getConnection((_error, connection) => {
        const command = connection.execute('SELECT ? AS v', [value] as never);
        let failure: Error | undefined;
        command.on('error', (error) => {
          failure = error;
        });
        command.on('end', () => {
          connection.release();
          done(failure ?? null);
        });
      });
    }),
};

function byCallback(call: (done: (error: Error | null, rows?: unknown) => void) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call((error, rows) => (error === null ? resolve(rows) : reject(error)));
  });
}

describe('I2, I7: execute with a value that cannot be written', () => {
  it.each(Object.entries(DOORS))('%s: fails each time, and the connection is given back', async (_door, execute) => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    for (let round = 0; round < 2; round += 1) {
      for (const value of VALUES) expect(await errorOf(execute(pool, value))).toBeInstanceOf(Error);
    }
    expect(await valueOf(pool, "'served'")).toBe('served');
    expect(pool.stats()).toMatchObject({ opened: 1, closed: 0 });
    expect(imbalanceOf(pool.stats())).toEqual([]);
  });

  it('cluster: fails each time, and the connection is given back', async () => {
    await using fixture = await openPool();
    const cluster = createCallbackPoolCluster();
    cluster.add('one', { ...fixture.database.connection, connectionLimit: 1 });
    const of = cluster.of('*') as unknown as Record<'query' | 'execute', (sql: string, values: unknown[], done: never) => void>;
    for (const value of [...VALUES, ...VALUES, undefined]) {
      const failure = errorOf(byCallback((done) => of.execute('SELECT ? AS v', [value], done as never)));
      expect(await failure).toBeInstanceOf(Error);
    }
    expect(await byCallback((done) => of.query('SELECT 1 AS v', [], done as never))).toEqual([{ v: 1 }]);
    await new Promise((resolve) => (cluster as unknown as { end(done: (value: unknown) => void): void }).end(resolve));
  });
});
