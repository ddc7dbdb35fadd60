/** The pool on an imitation of TiDB. */
import { describe, expect, it } from 'vitest';
import type { Transaction } from '../../../src/mysql/transactions/transaction.js';
import { titleOf } from '../../support/imitations/claims.js';
import type { ImitationOptions } from '../../support/imitations/imitation.js';
import { errorOf, valueOf } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';
import { INSERT } from '../support/ledger.js';
import { fault, openImitated, ownTexts, PRODUCTS } from './imitated.js';

const TIDB = PRODUCTS.TiDB;
/** What is between the numbers of the server behind and those that the imitation gives: more than JavaScript counts to. */
const FAR = 5_857_102_839_209_263_511n;
const LOWER_HALF = 0xffff_ffffn;

/** Connections have numbers of 64 bits: in the greeting, in the process list, and in KILL. */
const withLongNumbers: Omit<ImitationOptions, 'port'> = {
  ...TIDB,
  numberOf: ({ serverNumber }) => Number((BigInt(serverNumber) + FAR) & LOWER_HALF),
  answer({ name, sql }) {
    const kill = /^KILL (TIDB )?QUERY (\d+)$/u.exec(sql);
    if (kill?.[2] !== undefined) {
      const number = BigInt(kill[2]) - FAR;
      return number > 0n ? { instead: `KILL QUERY ${number}` } : fault(1094, `Unknown thread id: ${kill[2]}`);
    }
    if (name !== 'QUERY' || !sql.includes('PROCESSLIST')) return undefined;
    const list = `(SELECT ID + ${FAR} AS ID, HOST FROM information_schema.PROCESSLIST) AS list`;
    return { instead: sql.replace('information_schema.PROCESSLIST', list).replaceAll('CONNECTION_ID()', `(CONNECTION_ID() + ${FAR})`) };
  },
};

describe('on TiDB', () => {
  it(titleOf('tidb-greeting'), async () => {
    await using tidb = await openImitated(TIDB);
    await tidb.pool.query('SELECT 1');
    expect(ownTexts(tidb.imitation).filter((text) => text.startsWith('SET'))).toEqual([]);
    expect(tidb.pool.stats().resets).toBe(0);
    await tidb.pool.query("SET time_zone = '+05:00'");
    expect(await valueOf(tidb.pool, '@@time_zone')).not.toBe('+05:00');
    expect(tidb.pool.stats()).toMatchObject({ resets: 1, opened: 1 });
  });

  it(titleOf('tidb-numbers'), async () => {
    await using tidb = await openImitated(withLongNumbers);
    await tidb.pool.query('SELECT 1');
    expect(await errorOf(tidb.pool.query({ sql: 'SELECT SLEEP(60)', timeout: 300 }))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    await waitFor('the kill to be acknowledged', () => tidb.pool.stats().kills === 1);
    await tidb.pool.query('SELECT 1');
    expect(tidb.pool.stats()).toMatchObject({ kills: 1, opened: 1 });
  });

  it(titleOf('tidb-kill'), async () => {
    await using tidb = await openImitated(withLongNumbers);
    await tidb.pool.query('SELECT 1');
    await errorOf(tidb.pool.query({ sql: 'SELECT SLEEP(60)', timeout: 300 }));
    await waitFor('the kill to be acknowledged', () => tidb.pool.stats().kills === 1);
    const kills = tidb.imitation.received.filter((text) => text.startsWith('KILL'));
    expect(kills).toEqual([expect.stringMatching(/^KILL TIDB QUERY \d{19}$/u)]);
  });

  it.each([8002, 8022, 8028, 9007])(`${titleOf('tidb-retries')} (%i)`, async (errno) => {
    let failures = 0;
    await using tidb = await openImitated({
      ...TIDB,
      answer: ({ sql }) => (sql === 'COMMIT' && ++failures <= 2 ? fault(errno, 'the text of the error') : undefined),
    });
    let runs = 0;
    await tidb.pool.transaction(async (tx) => {
      runs += 1;
      await tx.query(INSERT, [runs, 'run']);
    });
    expect([runs, await tidb.ids()]).toEqual([3, [3]]);
    expect(tidb.pool.stats()).toMatchObject({ retries: 2, opened: 1 });
  });

  it.each([8005, 8027, 8055, 8120, 8147, 8229, 8252, 9001, 9003, 9004, 9005, 9006, 9008, 9012, 9013])(
    `${titleOf('tidb-failures')} (%i)`,
    async (errno) => {
      await using tidb = await openImitated({
        ...TIDB,
        answer: ({ sql }) => (sql.includes('fails') ? fault(errno, 'the text of the error') : undefined),
      });
      expect(await errorOf(tidb.pool.query("SELECT 'fails'"))).toMatchObject({ errno, message: 'the text of the error' });
      let runs = 0;
      const failing = tidb.pool.transaction(async (tx: Transaction) => {
        runs += 1;
        await tx.query("SELECT 'fails'");
      });
      expect(await errorOf(failing)).toMatchObject({ errno });
      expect(runs).toBe(1);
      expect(tidb.pool.stats()).toMatchObject({ opened: 1, closed: 0 });
    },
  );

  it(titleOf('tidb-undetermined'), async () => {
    await using tidb = await openImitated({ ...TIDB, answer: ({ sql }) => (sql === 'COMMIT' ? 'end' : undefined) });
    let runs = 0;
    const transaction = tidb.pool.transaction(async (tx) => {
      runs += 1;
      await tx.query(INSERT, [runs, 'run']);
    });
    expect(await errorOf(transaction)).toMatchObject({ code: 'POOL_COMMIT_UNKNOWN' });
    expect(runs).toBe(1);
  });

  it('a COMMIT that TiKV did not answer in time (9002) is reported as unknown', async () => {
    await using tidb = await openImitated({
      ...TIDB,
      answer: ({ sql }) => (sql === 'COMMIT' ? fault(9002, 'TiKV server timeout') : undefined),
    });
    const error = await errorOf(tidb.pool.transaction((tx) => tx.query(INSERT, [1, 'run'])));
    expect(error).toMatchObject({ code: 'POOL_COMMIT_UNKNOWN', cause: { errno: 9002 } });
  });

  it(titleOf('tidb-draining'), async () => {
    let draining = 0;
    await using tidb = await openImitated(
      {
        ...TIDB,
        answer: ({ name, link }) =>
          name === 'PING' && link.index <= draining ? fault(1053, 'Server shutdown in progress', '08S01') : undefined,
      },
      { connectionLimit: 3, minIdle: 3, validateAfterIdle: 0 },
    );
    await tidb.pool.ready();
    draining = 3;
    for (let caller = 1; caller <= 6; caller += 1) await tidb.pool.query('SELECT 1');
    await waitFor('the connections to the server that drains to be gone', () => tidb.imitation.links.every(({ index }) => index > 3));
    expect(tidb.pool.stats().queryErrorsByErrno).toEqual({});
    // It is reported, for other servers may drain next.
    expect((await tidb.pool.health()).checks.map(({ message }) => message).join(' ')).toContain('shutdown in progress');
  });

  it(titleOf('tidb-read-only'), async () => {
    let readOnly = true;
    await using tidb = await openImitated({
      ...TIDB,
      answer: ({ sql }) => (readOnly && sql.startsWith('INSERT') ? fault(1836, 'Running in read-only mode') : undefined),
    });
    expect(await errorOf(tidb.pool.query(INSERT, [1, 'refused']))).toMatchObject({ errno: 1836 });
    readOnly = false;
    await tidb.pool.query(INSERT, [2, 'taken']);
    expect(await tidb.ids()).toEqual([2]);
    expect(tidb.pool.stats().opened).toBe(2);
  });

  it(titleOf('tidb-cut'), async () => {
    await using tidb = await openImitated(TIDB, { connectionLimit: 2, minIdle: 2 });
    await tidb.pool.ready();
    for (const link of tidb.imitation.links) link.end();
    for (let caller = 1; caller <= 4; caller += 1) await tidb.pool.query('SELECT 1');
    expect(tidb.pool.stats().queryErrorsByErrno).toEqual({});
  });
});
