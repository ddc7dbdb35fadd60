/** The pool on an imitation of Vitess' vtgate. */
import { describe, expect, it } from 'vitest';
import { titleOf } from '../../support/imitations/claims.js';
import type { ImitatedCommand } from '../../support/imitations/imitation.js';
import { errorOf, valueOf } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';
import { INSERT } from '../support/ledger.js';
import { fault, openImitated, ownTexts, PRODUCTS } from './imitated.js';

const VITESS = PRODUCTS.Vitess;

/** What vtgate does with the two commands that would clean a session. */
function withItsResets({ name }: ImitatedCommand) {
  if (name === 'RESET') return 'ok' as const;
  return name === 'CHANGE_USER' ? fault(1047, 'command handling not implemented yet: 17', '08S01') : undefined;
}

const TRANSACTION_ENDED =
  'target: shop.0.primary: vttablet: rpc error: code = Aborted desc = transaction 1712: ended at 2026-11-29 12:00:00 UTC (exceeded timeout: 20s)';

describe('on Vitess', () => {
  it.each(['auto', 'always'] as const)(`${titleOf('vitess-reset')} (%s)`, async (hygiene) => {
    await using vitess = await openImitated({ ...VITESS, answer: withItsResets }, { hygiene });
    await vitess.pool.query("SET @left = 'behind', time_zone = '+05:00'");
    expect(String(await valueOf(vitess.pool, "CONCAT_WS(' ', @left, @@time_zone)"))).not.toMatch(/behind|05:00/u);
    expect(vitess.pool.stats()).toMatchObject({ resets: 0 });
    expect(vitess.imitation.accepted).toBeGreaterThan(1);
  });

  it('a session that was not changed costs nothing', async () => {
    await using vitess = await openImitated({ ...VITESS, answer: withItsResets });
    for (let caller = 1; caller <= 3; caller += 1) await vitess.pool.transaction((tx) => tx.query(INSERT, [caller, 'clean']));
    expect(ownTexts(vitess.imitation).filter((text) => text.startsWith('SET') || text === 'RESET')).toEqual([]);
    expect(vitess.pool.stats()).toMatchObject({ opened: 1, closed: 0 });
  });

  it(titleOf('vitess-users'), async () => {
    await using vitess = await openImitated({ ...VITESS, answer: withItsResets });
    const connection = await vitess.pool.getConnection();
    expect(await errorOf(connection.changeUser({ user: 'another', password: '' }))).toMatchObject({ errno: 1047 });
    connection.release();
    expect(await valueOf(vitess.pool, '1')).toBe(1);
    expect(vitess.imitation.accepted).toBe(2);
  });

  it.each([1317, 1105])(`${titleOf('vitess-transaction-time')} (%i)`, async (errno) => {
    let ended = false;
    await using vitess = await openImitated({
      ...VITESS,
      answer({ sql }) {
        ended ||= sql.includes('late');
        // vtgate has rolled back on the tablets before.
        if (ended && sql === 'COMMIT') return fault(errno, TRANSACTION_ENDED, '70100');
        return undefined;
      },
    });
    let runs = 0;
    const transaction = vitess.pool.transaction(async (tx) => {
      runs += 1;
      await tx.query(INSERT, [1, 'lost']);
      await tx.query("SELECT 'late'");
    });
    expect(await errorOf(transaction)).toMatchObject({ errno, message: TRANSACTION_ENDED });
    expect([runs, await vitess.ids()]).toEqual([1, []]);
    expect(await valueOf(vitess.pool, '1')).toBe(1);
    expect(vitess.pool.stats()).toMatchObject({ opened: 1 });
  });

  const NOT_SERVING = 'target: shop.0.primary: primary is not serving, there is a reparent operation in progress';
  const USED_UP = 'target: shop.0.primary: vttablet: rpc error: code = ResourceExhausted desc = transaction pool connection limit exceeded';

  it.each([
    [titleOf('vitess-not-serving'), 1105, NOT_SERVING, 'HY000'],
    [titleOf('vitess-used-up'), 1203, USED_UP, '42000'],
    [titleOf('vitess-unsupported'), 1235, 'VT12001: unsupported: window functions', '42000'],
  ] as const)('%s', async (_, errno, message, state) => {
    await using vitess = await openImitated({
      ...VITESS,
      answer: ({ sql }) => (sql.includes('fails') ? fault(errno, message, state) : undefined),
    });
    expect(await errorOf(vitess.pool.query("SELECT 'fails'"))).toMatchObject({ errno, message });
    expect(await errorOf(vitess.pool.query({ sql: "SELECT 'fails'", idempotent: true }))).toMatchObject({ errno, message });
    expect(await valueOf(vitess.pool, '1')).toBe(1);
    expect(vitess.pool.stats()).toMatchObject({ opened: 1, closed: 0, retries: 0 });
  });

  it.each([
    [1105, 'target: shop.0.primary: vttablet: rpc error: code = Unavailable desc = error reading from server: EOF'],
    [1317, 'target: shop.0.primary: vttablet: rpc error: code = DeadlineExceeded desc = context deadline exceeded'],
  ])(`${titleOf('vitess-lost-tablet')} (%i)`, async (errno, message) => {
    await using vitess = await openImitated({ ...VITESS, answer: ({ sql }) => (sql === 'COMMIT' ? fault(errno, message) : undefined) });
    let runs = 0;
    const transaction = vitess.pool.transaction(async (tx) => {
      runs += 1;
      await tx.query(INSERT, [1, 'perhaps']);
    });
    expect(await errorOf(transaction)).toMatchObject({ code: 'POOL_COMMIT_UNKNOWN', cause: { errno } });
    expect(runs).toBe(1);
  });

  it(titleOf('vitess-draining'), async () => {
    let draining = 0;
    await using vitess = await openImitated(
      {
        ...VITESS,
        answer: ({ name, link }) =>
          link.index <= draining && (name === 'PING' || name === 'QUERY') ? fault(1053, 'Server shutdown in progress', '08S01') : undefined,
      },
      { connectionLimit: 2, minIdle: 2, validateAfterIdle: 60_000 },
    );
    await vitess.pool.ready();
    draining = 2;
    expect(await errorOf(vitess.pool.query('SELECT 1'))).toMatchObject({ errno: 1053 });
    for (let caller = 1; caller <= 4; caller += 1) await vitess.pool.query('SELECT 1');
    await waitFor('the connections to the vtgate that drains to be gone', () => vitess.imitation.links.every(({ index }) => index > 2));
  });

  it(titleOf('vitess-kill'), async () => {
    await using vitess = await openImitated({
      ...VITESS,
      answer: ({ sql }) => (sql.startsWith('KILL') ? fault(1095, 'VT07001: kill statement execution not permitted.') : undefined),
    });
    await vitess.pool.query('SELECT 1');
    expect(await errorOf(vitess.pool.query({ sql: 'SELECT SLEEP(60)', timeout: 300 }))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    expect(await valueOf(vitess.pool, '1')).toBe(1);
    expect(vitess.imitation.received.filter((text) => text.startsWith('KILL'))).toEqual([]);
    expect(vitess.pool.stats()).toMatchObject({ kills: 0, opened: 2 });
  });
});
