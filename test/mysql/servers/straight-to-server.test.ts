/** Whether a proxy stands in front of the server: the first connection of the process to a place asks, and others to the same place need not. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/servers/database.js';
import { startStatementProxy } from '../../support/network/statement-proxy.js';
import { errorOf, poolOf } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';

/** How many connections have asked the server for the address that it sees. */
function asked(statements: readonly string[]): number {
  return statements.filter((sql) => sql.includes("'' AS server") && sql.includes('WHERE ID = CONNECTION_ID()')).length;
}

describe('which address the server sees', () => {
  it.each([
    { keepsPorts: true, leads: 'straight to the server', questions: 1 },
    { keepsPorts: false, leads: 'to a proxy', questions: 3 },
  ])('of three pools that lead $leads, $questions ask, and each kills what runs too long', async ({ keepsPorts, questions }) => {
    await using database = await createDatabase();
    await using proxy = await startStatementProxy({ port: database.connection.port, keepsPorts });
    await using first = poolOf(database, { port: proxy.port, connectionLimit: 1 });
    await first.query('SELECT 1');
    await using second = poolOf(database, { port: proxy.port, connectionLimit: 1 });
    await using third = poolOf(database, { port: proxy.port, connectionLimit: 1 });
    await Promise.all([second.query('SELECT 2'), third.query('SELECT 3')]);
    expect(asked(proxy.statements)).toBe(questions);
    for (const pool of [second, third]) {
      expect(await errorOf(pool.query({ sql: 'SELECT SLEEP(10)', timeout: 100 }))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
      await waitFor('the connection to be clean', () => pool.summary().idle === 1);
      expect(pool.stats()).toMatchObject({ kills: 1, opened: 1, closed: 0 });
    }
  });

  it("is asked where an application's own stream may lead elsewhere", async () => {
    await using database = await createDatabase();
    await using proxy = await startStatementProxy({ port: database.connection.port });
    await using plain = poolOf(database, { port: proxy.port, connectionLimit: 1 });
    await plain.query('SELECT 1');
    await using own = poolOf(database, { port: proxy.port, connectionLimit: 1, stream: () => connect(proxy.port, proxy.host) });
    await own.query('SELECT 2');
    expect(asked(proxy.statements)).toBe(2);
  });
});
