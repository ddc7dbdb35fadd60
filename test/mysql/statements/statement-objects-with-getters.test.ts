import { describe, expect, it } from 'vitest';
import { openPool } from '../../support/pool-on-database.js';

/** As sql-template-strings and sql-template-tag make them: `sql` is a getter of the class. mysql2 takes them. */
class Statement {
  timeout?: number;
  signal?: AbortSignal;

  constructor(
    private readonly text: string,
    readonly values: number[],
  ) {}

  get sql(): string {
    return this.text;
  }
}

function make(limits: Partial<Statement> = {}): Statement {
  return Object.assign(new Statement('SELECT ? AS a', [1]), limits);
}

describe('a statement whose text is a getter', () => {
  it.each([
    ['nothing else', {}],
    ['a timeout', { timeout: 5_000 }],
    ['a signal', { signal: new AbortController().signal }],
  ])('is run, with %s', async (_, limits) => {
    await using fixture = await openPool();
    const { pool } = fixture;
    expect((await pool.query(make(limits)))[0]).toEqual([{ a: 1 }]);
    expect((await pool.execute(make(limits)))[0]).toEqual([{ a: 1 }]);
    await using connection = await pool.getConnection();
    expect((await connection.query(make(limits)))[0]).toEqual([{ a: 1 }]);
  });

  it('is run in a transaction', async () => {
    await using fixture = await openPool();
    const [rows] = await fixture.pool.transaction((tx) => tx.query(make()));
    expect(rows).toEqual([{ a: 1 }]);
  });
});

describe('a statement with a property named __proto__', () => {
  it('takes no option from it, with others beside it or not', async () => {
    await using fixture = await openPool();
    for (const others of [{}, { rowsAsArray: true }]) {
      const hidden = JSON.parse('{"__proto__": {"route": "nowhere", "nestTables": true}}') as object;
      const statement = Object.defineProperties({ sql: 'SELECT 1 AS a', ...others }, Object.getOwnPropertyDescriptors(hidden));
      expect(Object.hasOwn(statement, '__proto__')).toBe(true);
      const [rows] = await fixture.pool.query(statement);
      expect(rows).toEqual('rowsAsArray' in others ? [[1]] : [{ a: 1 }]);
    }
  });
});
