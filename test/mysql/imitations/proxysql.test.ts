/** The pool on an imitation of ProxySQL. */
import { describe, expect, it } from 'vitest';
import { titleOf } from '../../support/imitations/claims.js';
import type { ImitatedCommand } from '../../support/imitations/imitation.js';
import { errorOf, valueOf } from '../../support/pool-on-database.js';
import { INSERT } from '../support/ledger.js';
import { connectedAfter, fault, MINE, openImitated, ownTexts, PRODUCTS } from './imitated.js';

const PROXYSQL = PRODUCTS.ProxySQL;

/** Reads go to another hostgroup than the one that a SET it does not know has bound the session to. */
function lockingOnSet(locked: Set<number>) {
  return ({ name, sql, link }: ImitatedCommand) => {
    if (name !== 'QUERY') return undefined;
    if (sql.startsWith('SET SESSION session_track')) locked.add(link.index);
    if (sql.startsWith(MINE) && locked.has(link.index))
      return fault(9006, 'ProxySQL Error: connection is locked to hostgroup 0 but trying to reach hostgroup 1', 'Y0000');
    return undefined;
  };
}

describe('on ProxySQL', () => {
  it(titleOf('proxysql-greeting'), async () => {
    const locked = new Set<number>();
    await using proxy = await openImitated({ ...PROXYSQL, answer: lockingOnSet(locked) }, { connectionLimit: 3 });
    await Promise.all([1, 2, 3].map((id) => proxy.pool.query(`${MINE} SELECT ${id}`)));
    expect(locked.size).toBe(0);
    expect(proxy.imitation.accepted).toBeGreaterThan(0);
  });

  it(titleOf('proxysql-variables'), async () => {
    await using proxy = await openImitated(PROXYSQL, { connectionLimit: 2, validateAfterIdle: 0 });
    for (let caller = 1; caller <= 3; caller += 1) await proxy.pool.query(`${MINE} SELECT 1`);
    await proxy.pool.transaction((tx) => tx.query(`${MINE} SELECT 1`));
    expect(ownTexts(proxy.imitation).filter((text) => text.includes('@'))).toEqual([]);
  });

  it(titleOf('proxysql-numbers'), async () => {
    const bystander = { number: 0 };
    await using proxy = await openImitated({
      ...PROXYSQL,
      // The number of a connection is that of another one at the server.
      numberOf: ({ index, serverNumber }) => (index === 1 ? bystander.number : serverNumber + 500_000),
    });
    await using other = await proxy.database.connectAsAdmin();
    bystander.number = Number(await valueOf(other, 'CONNECTION_ID()'));
    const sleep = other.query('SELECT SLEEP(2) AS interrupted');
    await proxy.pool.query('SELECT 1');
    expect(await errorOf(proxy.pool.query({ sql: 'SELECT SLEEP(60)', timeout: 300 }))).toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
    expect(await valueOf(proxy.pool, '1')).toBe(1);
    const [rows] = await sleep;
    expect(rows).toEqual([{ interrupted: 0 }]);
    expect(proxy.imitation.received.filter((text) => text.startsWith('KILL'))).toEqual([]);
    expect(proxy.pool.stats().kills).toBe(0);
  });

  it(titleOf('proxysql-no-server'), async () => {
    const message = 'Max connect timeout reached while reaching hostgroup 0 after 10000ms';
    let reachable = false;
    await using proxy = await openImitated({
      ...PROXYSQL,
      answer: ({ name }) => (name === 'QUERY' && !reachable ? fault(9001, message) : undefined),
    });
    expect(await errorOf(proxy.pool.query('SELECT 1'))).toMatchObject({ errno: 9001, message });
    reachable = true;
    expect(await valueOf(proxy.pool, '1')).toBe(1);
    expect(proxy.pool.stats()).toMatchObject({ opened: 1, closed: 0 });
  });

  it('a connection that is opened while no server is reached does not make the pool send SET later', async () => {
    let reachable = false;
    await using proxy = await openImitated(
      {
        ...PROXYSQL,
        answer: ({ name, sql }) =>
          name === 'QUERY' && !reachable && !sql.includes('session_track') ? fault(9001, 'Max connect timeout reached') : undefined,
      },
      { connectionLimit: 2 },
    );
    await errorOf(proxy.pool.query(`${MINE} SELECT 1`));
    reachable = true;
    const before = proxy.imitation.received.length;
    proxy.pool.evict();
    await proxy.pool.query(`${MINE} SELECT 1`);
    expect(proxy.imitation.received.slice(before).filter((text) => text.startsWith('SET'))).toEqual([]);
  });

  it(titleOf('proxysql-lost-server'), async () => {
    const lost = fault(2013, 'Lost connection to MySQL server during query');
    await using proxy = await openImitated({
      ...PROXYSQL,
      answer: ({ sql }) => (sql === 'COMMIT' || sql.startsWith('UPDATE') ? lost : undefined),
    });
    expect(await errorOf(proxy.pool.query("UPDATE ledger SET note = 'perhaps'"))).toMatchObject({ code: 'POOL_CONNECTION_LOST' });
    expect(await errorOf(proxy.pool.transaction((tx) => tx.query(INSERT, [1, 'perhaps'])))).toMatchObject({ code: 'POOL_COMMIT_UNKNOWN' });
    expect(await valueOf(proxy.pool, '1')).toBe(1);
  });

  it(titleOf('proxysql-full'), async () => {
    let refused = 0;
    await using proxy = await openImitated({
      ...PROXYSQL,
      refuse: () => (++refused <= 2 ? fault(1040, 'Too many connections', '08004').fault : undefined),
    });
    expect(await connectedAfter(proxy.pool)).toContain(1040);
    expect(proxy.pool.stats()).toMatchObject({ opened: 1, connectErrorsByCode: { 1040: 2 } });
  });
});
