/** The pool on an imitation of RDS Proxy. */
import { describe, expect, it } from 'vitest';
import { titleOf } from '../../support/imitations/claims.js';
import { errorOf, valueOf } from '../../support/pool-on-database.js';
import { INSERT } from '../support/ledger.js';
import { connectedAfter, fault, MINE, openImitated, ownTexts, PRODUCTS } from './imitated.js';

const RDS_PROXY = PRODUCTS['RDS Proxy'];
const NO_CONNECTION = fault(9501, 'Timed-out waiting to acquire database connection');
/** What pins a connection. */
const PINS = /^SET\b|@|^(?:LOCK|CALL|USE)\b|GET_LOCK|TEMPORARY/iu;

describe('on RDS Proxy', () => {
  it(titleOf('rds-pinning'), async () => {
    await using proxy = await openImitated(RDS_PROXY, { hygiene: 'transaction', connectionLimit: 3, validateAfterIdle: 0 });
    await Promise.all([1, 2, 3].map((id) => proxy.pool.query(`${MINE} ${INSERT}`, [id, 'note'])));
    await proxy.pool.transaction((tx) => tx.query(`${MINE} SELECT * FROM ledger FOR UPDATE`));
    const connection = await proxy.pool.getConnection();
    await connection.query(`${MINE} START TRANSACTION`);
    connection.release();
    await proxy.pool.query(`${MINE} SELECT 1`);
    const own = ownTexts(proxy.imitation);
    expect(own.filter((text) => PINS.test(text))).toEqual([]);
    expect(own.filter((text) => ['EXECUTE', 'RESET', 'CHANGE_USER', 'INIT_DB'].includes(text))).toEqual([]);
  });

  it(titleOf('rds-idle'), async () => {
    await using proxy = await openImitated(RDS_PROXY, { connectionLimit: 2, minIdle: 2 });
    await proxy.pool.ready();
    for (const link of proxy.imitation.links) link.end();
    for (let caller = 1; caller <= 4; caller += 1) await proxy.pool.query('SELECT 1');
    expect(proxy.pool.stats().queryErrorsByErrno).toEqual({});
  });

  it(titleOf('rds-borrow'), async () => {
    let refused = 0;
    await using proxy = await openImitated({
      ...RDS_PROXY,
      refuse: () => (++refused <= 2 ? NO_CONNECTION.fault : undefined),
      answer: ({ sql }) => (sql.includes('fails') ? NO_CONNECTION : undefined),
    });
    expect(await connectedAfter(proxy.pool)).toContain(9501);
    expect(proxy.pool.stats()).toMatchObject({ opened: 1, connectErrorsByCode: { 9501: 2 } });
    expect(await errorOf(proxy.pool.query("SELECT 'fails'"))).toMatchObject({ errno: 9501 });
    expect(await valueOf(proxy.pool, '1')).toBe(1);
    expect(proxy.pool.stats().opened).toBe(1);
  });

  it(titleOf('rds-tls'), async () => {
    await using proxy = await openImitated({
      ...RDS_PROXY,
      refuse: () => fault(3159, 'This RDS Proxy requires TLS connections.').fault,
    });
    expect(await errorOf(proxy.pool.query('SELECT 1'))).toMatchObject({ code: 'POOL_CONNECT_FAILED', cause: { errno: 3159 } });
  });
});
