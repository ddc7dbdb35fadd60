import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/servers/database.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { borrowByCallback, poolOf, valueOf } from '../../support/pool-on-database.js';

describe('I11: a callback of execute(), whose connection is lost while the statement is prepared', () => {
  it.each([
    ['without limits', () => ({})],
    ['after its time was up', () => ({ timeout: 30 })],
    ['after it was given up', () => ({ signal: AbortSignal.timeout(30) })],
  ] as const)('is called once: %s', async (_, limitsOf) => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using pool = poolOf(database, { port: proxy.port, connectionLimit: 1, validationTimeout: 300 });
    const connection = await borrowByCallback(pool);
    proxy.drop('toClient');
    const limits = limitsOf();
    const told: unknown[] = [];
    let errors = 0;
    let ends = 0;
    connection.execute({ sql: 'SELECT 1', ...limits }, (error) => void told.push(error));
    const behind = connection.execute('SELECT 2').on('error', () => (errors += 1));
    behind.on('end', () => (ends += 1));
    await waitFor('limits to pass', () => Object.keys(limits).length === 0 || told.length > 0);
    proxy.reset();
    await waitFor('all to be called', () => told.length > 0 && ends > 0);
    // A second call would come in the next ticks.
    await new Promise((resolve) => setImmediate(resolve));
    expect([told.length, errors, ends]).toEqual([1, 1, 1]);
    connection.release();
    proxy.drop(undefined);
    expect(await valueOf(pool, '1')).toBe(1);
  });
});
