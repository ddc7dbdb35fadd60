/** The pool on an imitation of Amazon Aurora: a name that leads to a writer, and after a fail-over to another. */
import { describe, expect, it } from 'vitest';
import { titleOf } from '../../support/imitations/claims.js';
import { errorOf, outcomeOf } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';
import { INSERT } from '../support/ledger.js';
import { fault, openImitated } from './imitated.js';

const READ_ONLY = fault(1290, 'The MySQL server is running with the --read-only option so it cannot execute this statement');

describe('on Amazon Aurora', () => {
  it(titleOf('aurora-failover'), async () => {
    let reader = 0;
    await using aurora = await openImitated(
      { answer: ({ sql, link }) => (link.index <= reader && sql.startsWith('INSERT') ? READ_ONLY : undefined) },
      { connectionLimit: 3, minIdle: 3 },
    );
    await aurora.pool.ready();
    await aurora.pool.query(INSERT, [1, 'before']);
    reader = 3;
    expect(await errorOf(aurora.pool.query(INSERT, [2, 'refused']))).toMatchObject({ errno: 1290 });
    for (let id = 3; id <= 8; id += 1) await aurora.pool.query(INSERT, [id, 'after']);
    expect(await aurora.ids()).toEqual([1, 3, 4, 5, 6, 7, 8]);
    await waitFor('the connections to the old writer to be gone', () => aurora.imitation.links.every(({ index }) => index > 3));
    expect(aurora.pool.stats().queryErrorsByErrno).toEqual({ 1290: 1 });
  });

  it('a transaction that the old writer refuses is rolled back, and one behind it is committed', async () => {
    let reader = 1;
    await using aurora = await openImitated({
      answer: ({ sql, link }) => (link.index <= reader && sql.startsWith('INSERT') ? READ_ONLY : undefined),
    });
    expect(await errorOf(aurora.pool.transaction((tx) => tx.query(INSERT, [1, 'refused'])))).toMatchObject({ errno: 1290 });
    await aurora.pool.transaction((tx) => tx.query(INSERT, [2, 'taken']));
    reader = 0;
    expect(await aurora.ids()).toEqual([2]);
  });

  it(titleOf('aurora-names'), async () => {
    const STALE = 4;
    await using aurora = await openImitated({
      answer: ({ sql, link }) => (link.index <= STALE && sql.startsWith('INSERT') ? READ_ONLY : undefined),
    });
    let refused = 0;
    for (let id = 1; ; id += 1) {
      const outcome = await outcomeOf(aurora.pool.query(INSERT, [id, 'sooner or later']));
      if (!('error' in outcome)) break;
      expect(outcome.error).toMatchObject({ errno: 1290 });
      refused += 1;
    }
    // Each connection that leads to the old writer is found out by one caller.
    expect(refused).toBe(STALE);
    expect(await aurora.ids()).toEqual([STALE + 1]);
  });
});
