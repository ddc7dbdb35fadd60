import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/servers/database.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { poolOf } from '../../support/pool-on-database.js';

describe('I9: the deadline of a transaction whose COMMIT is not answered', () => {
  it('is kept, also when Node’s timer is early by a fraction of a millisecond', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using pool = poolOf(database, { port: proxy.port, connectionLimit: 1 });
    const outcomes = new Set<string>();
    for (let round = 0; round < 40; round += 1) {
      await pool.query('SELECT 1');
      const startedAt = performance.now();
      const outcome = await pool
        .transaction(
          async (tx) => {
            await tx.query('SELECT 1');
            proxy.pause();
          },
          { timeout: 60 + (round % 7) },
        )
        .then(
          () => 'ok',
          (error: { code: string }) => error.code,
        );
      outcomes.add(outcome);
      // Far less than validationTimeout, for which a caller who only gives up is kept waiting.
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      proxy.resume();
    }
    // On a busy machine the time of some is up before they get that far.
    expect([...outcomes]).toContain('POOL_COMMIT_UNKNOWN');
    expect([...outcomes].filter((code) => !['POOL_COMMIT_UNKNOWN', 'POOL_QUERY_TIMEOUT', 'POOL_ACQUIRE_TIMEOUT'].includes(code))).toEqual(
      [],
    );
  });
});
