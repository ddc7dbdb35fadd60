import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/servers/database.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { outcomeOf, poolOf } from '../../support/pool-on-database.js';
import { isOverBefore } from '../../support/before-timer.js';
import type { Transaction } from '../../../src/mysql/transactions/transaction.js';

describe('I9: the deadline of a transaction whose COMMIT is not answered', () => {
  it('is kept, even when Node’s timer is early by a fraction of a millisecond', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using pool = poolOf(database, { port: proxy.port, connectionLimit: 1 });
    const outcomes = new Set<string>();
    for (let round = 0; round < 40; round += 1) {
      await pool.query('SELECT 1');
      let over = false;
      const work = async (tx: Transaction): Promise<void> => {
        await tx.query('SELECT 1');
        // On a busy machine it may learn of its end when the answer has come, and continue in the next round.
        if (!over) proxy.pause();
      };
      const run = async (): Promise<void> => {
        const ended = await outcomeOf(pool.transaction(work, { timeout: 60 + (round % 7) }));
        outcomes.add('error' in ended ? (ended.error as { code: string }).code : 'ok');
      };
      // Far less than validationTimeout, for which a caller who only gives up is kept waiting.
      expect(await isOverBefore(2_000, run)).toBe(true);
      over = true;
      proxy.resume();
    }
    // On a busy machine the time of some is up before they get that far.
    expect([...outcomes]).toContain('POOL_COMMIT_UNKNOWN');
    expect([...outcomes].filter((code) => !['POOL_COMMIT_UNKNOWN', 'POOL_QUERY_TIMEOUT', 'POOL_ACQUIRE_TIMEOUT'].includes(code))).toEqual(
      [],
    );
  });
});
