import { describe, expect, it } from 'vitest';
import { connectionId, firstRow, openPool } from '../../support/pool-on-database.js';

describe('I8: SET NAMES of one borrower', () => {
  it.each(['auto', 'always'] as const)("does not change how the next one's texts are sent: hygiene '%s'", async (hygiene) => {
    await using fixture = await openPool({ connectionLimit: 1, hygiene });
    const { pool } = fixture;
    const id = await connectionId(pool);
    await pool.query('SET NAMES latin1');
    const [prepared] = await pool.execute('SELECT HEX(?) AS hex', ['é']);
    expect(prepared).toEqual([{ hex: 'C3A9' }]);
    expect(await firstRow(pool, "SELECT HEX('é') AS hex, 'é' AS text, CHAR_LENGTH('é') AS length")).toEqual({
      hex: 'C3A9',
      text: 'é',
      length: 1,
    });
    expect(await connectionId(pool)).toBe(id);
  });

  it('does not either when the text was sent by a prepared statement or with several others', async () => {
    await using fixture = await openPool({ connectionLimit: 1, multipleStatements: true });
    const { pool } = fixture;
    await pool.query('SELECT 1; SET NAMES latin1');
    expect(await firstRow(pool, "SELECT HEX('é') AS hex")).toEqual({ hex: 'C3A9' });
    await pool.execute("SET character_set_client = 'latin1'");
    expect(await firstRow(pool, "SELECT HEX('é') AS hex")).toEqual({ hex: 'C3A9' });
  });
});
