/** The pool on an imitation of MaxScale. */
import { describe, expect, it } from 'vitest';
import { titleOf } from '../../support/imitations/claims.js';
import { errorOf, valueOf } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';
import { INSERT } from '../support/ledger.js';
import { connectedAfter, fault, openImitated, PRODUCTS } from './imitated.js';

const MAXSCALE = PRODUCTS.MaxScale;
const IDLE = fault(1927, 'Connection killed by MaxScale: Timed out by MaxScale', '08S01').fault;
const READ_ONLY = fault(1290, 'The MariaDB server is running with the --read-only option so it cannot execute this statement');

describe('on MaxScale', () => {
  it(titleOf('maxscale-greeting'), async () => {
    await using maxscale = await openImitated(MAXSCALE);
    await maxscale.pool.query("SET @left = 'behind'");
    expect(await valueOf(maxscale.pool, '@left')).toBeNull();
    expect(maxscale.pool.stats()).toMatchObject({ resets: 1, opened: 1 });
  });

  it(titleOf('maxscale-no-primary'), async () => {
    let primary = false;
    await using maxscale = await openImitated(
      { ...MAXSCALE, answer: ({ sql }) => (!primary && sql.startsWith('INSERT') ? READ_ONLY : undefined) },
      { connectionLimit: 2, minIdle: 2 },
    );
    await maxscale.pool.ready();
    expect(await errorOf(maxscale.pool.query(INSERT, [1, 'refused']))).toMatchObject({ errno: 1290 });
    primary = true;
    await maxscale.pool.query(INSERT, [2, 'taken']);
    expect(await maxscale.ids()).toEqual([2]);
    await waitFor('both connections to be replaced', () => maxscale.imitation.links.every(({ index }) => index > 2));
  });

  it(titleOf('maxscale-closing'), async () => {
    await using maxscale = await openImitated(
      {
        ...MAXSCALE,
        answer({ sql, link }) {
          if (sql.startsWith('UPDATE'))
            link.leave({ ...IDLE, message: 'Connection killed by MaxScale: Router could not recover from connection errors' });
          return undefined;
        },
      },
      { minIdle: 1 },
    );
    await maxscale.pool.ready();
    for (const link of maxscale.imitation.links) link.leave(IDLE);
    // It may be sent at the very moment, and is run elsewhere: the server had left before.
    expect(await valueOf(maxscale.pool, '1')).toBe(1);
    const error = await errorOf(maxscale.pool.query("UPDATE ledger SET note = 'perhaps'"));
    expect(error).toMatchObject({ code: 'POOL_CONNECTION_LOST', message: expect.stringContaining('Connection killed by MaxScale') });
    expect(await valueOf(maxscale.pool, '1')).toBe(1);
  });

  it(titleOf('maxscale-full'), async () => {
    let refused = 0;
    await using maxscale = await openImitated({
      ...MAXSCALE,
      refuse: () => (++refused <= 2 ? fault(1040, 'Too many connections', '08004').fault : undefined),
    });
    expect(await connectedAfter(maxscale.pool)).toContain(1040);
    expect(maxscale.pool.stats()).toMatchObject({ opened: 1, connectErrorsByCode: { 1040: 2 } });
  });
});
