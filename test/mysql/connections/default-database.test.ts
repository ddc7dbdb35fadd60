import { describe, expect, it } from 'vitest';
import { connectionId, openPool, poolOf, valueOf } from '../../support/pool-on-database.js';
import { createDatabase } from '../../support/servers/database.js';
import { onlyWhere } from '../../support/sql-servers/this-server.js';
import { type DifferenceName } from '../../support/sql-servers/differences.js';

describe('I8: the default database', () => {
  it.for<readonly [string, DifferenceName?]>([
    ['SELECT 1; USE information_schema'],
    ['/*!50000 USE information_schema */'],
    ['/*M! USE information_schema */', 'runsItsOwnComments'],
    ["EXECUTE IMMEDIATE 'USE information_schema'", 'executesImmediately'],
    ["PREPARE s FROM 'USE information_schema'; EXECUTE s", 'preparesMore'],
  ])('is the pool’s again for the next borrower after: %s', async ([statement, needed], context) => {
    onlyWhere(context, needed);
    await using fixture = await openPool({ connectionLimit: 1, multipleStatements: true });
    const { pool, database } = fixture;
    await pool.query(statement);
    expect(await valueOf(pool, 'DATABASE()')).toBe(database.database);
  });

  it('is the pool’s again after it was dropped and created again', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool, database } = fixture;
    await pool.query(`DROP DATABASE ${database.database}`);
    await database.connectAsAdmin({ database: '' }).then(async (admin) => {
      await admin.query(`CREATE DATABASE ${database.database}`);
      await admin.end();
    });
    expect(await valueOf(pool, 'DATABASE()')).toBe(database.database);
  });

  it('with a dot in its name is gone back to without a new connection', async () => {
    await using database = await createDatabase();
    const dotted = `${database.database}.dotted`;
    await database.admin(`CREATE DATABASE \`${dotted}\``);
    try {
      await database.admin(`GRANT ALL ON \`${dotted}\`.* TO '${database.user}'@'%'`);
      await using pool = poolOf(database, { database: dotted, connectionLimit: 1 });
      const id = await connectionId(pool);
      await pool.query('USE information_schema');
      expect([await valueOf(pool, 'DATABASE()'), await connectionId(pool)]).toEqual([dotted, id]);
    } finally {
      await database.admin(`DROP DATABASE \`${dotted}\``);
    }
  });
});
