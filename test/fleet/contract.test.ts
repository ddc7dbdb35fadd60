import { describe, expect, it } from 'vitest';
import { resolveFleetOptions } from '../../src/fleet/contract/index.js';
import { resolveClusterOptions } from '../../src/cluster/clusters/options.js';
import { resolveOptions } from '../../src/mysql/options/index.js';

const GIVEN = { name: 'shop', budget: 400, processes: 30, ledger: 'redis://localhost' };

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toMatchObject({ code: 'POOL_OPTION_INVALID' });
    return (error as Error).message;
  }
  throw new Error('it was not refused');
}

describe('the option fleet', () => {
  it('fills in what is not given', () => {
    expect(resolveFleetOptions(GIVEN)).toMatchObject({
      floor: 2,
      lease: 10_000,
      dryRun: false,
      reserve: 0.2,
      side: 1,
      ledger: { redis: {} },
    });
    expect(resolveFleetOptions({ ...GIVEN, ledger: 'database' }, 'shop')).toMatchObject({ floor: 3, side: 2, ledger: 'database' });
    expect(resolveFleetOptions(undefined)).toBeUndefined();
    expect(resolveFleetOptions(false)).toBeUndefined();
  });

  it.each([
    [{ budget: 59 }, 'fleet.budget must be at least fleet.floor × fleet.processes = 2 × 30 = 60; given: 59.'],
    [{ budget: 0 }, "fleet.budget must be a whole number from 1 to 1000000, or 'auto'; given: 0."],
    [{ budget: undefined }, "fleet.budget is missing: it says how many connections all members may have together, or 'auto'."],
    [{ floor: 1 }, 'fleet.floor must be at least 2, for the connection that kills statements and one to lend; given: 1.'],
    [
      { ledger: 'database', floor: 2 },
      "fleet.floor must be at least 3, for the connection that kills statements and the ledger's and one to lend; given: 2.",
    ],
    [{ lease: 999 }, 'fleet.lease must be a whole number from 1000 to 600000; given: 999.'],
    [{ processes: 0 }, 'fleet.processes must be a whole number from 1 to 100000; given: 0.'],
    [{ reserve: 1 }, 'fleet.reserve must be a number that is at least 0 and below 1; given: 1.'],
    [{ name: undefined }, 'fleet.name is missing: it says which pools share the budget.'],
    [{ ledger: undefined }, "fleet.ledger is missing: it says where the leases are kept: a URL of Redis, or 'database'."],
    [{ leese: 1 }, 'Unknown option fleet.leese. Did you mean fleet.lease?'],
    [{ ledger: { url: 'redis://localhost', user: 'x' } }, 'Unknown option fleet.ledger.user.'],
  ])('refuses %j with the numbers', (change, message) => {
    expect(refusal(() => resolveFleetOptions({ ...GIVEN, ...change }, 'shop'))).toContain(message);
  });

  it('shows no URL that it refuses: a password may be in it', () => {
    const message = refusal(() => resolveFleetOptions({ ...GIVEN, ledger: 'http://u:secret@host' }));
    expect(message).toContain('fleet.ledger must be a URL that begins with redis://');
    expect(message).not.toContain('secret');
    expect(JSON.stringify(resolveFleetOptions({ ...GIVEN, ledger: 'redis://u:secret@host' }))).not.toContain('secret');
  });

  it('keeps a ledger in the database only where there is one', () => {
    expect(refusal(() => resolveFleetOptions({ ...GIVEN, ledger: 'database' }))).toContain("the pool's database, but the pool has none");
  });

  it('stands in the environment too, and the code overrides it, one by one', () => {
    const environment = {
      POOLWRIGHT_FLEET_NAME: 'shop',
      POOLWRIGHT_FLEET_BUDGET: '100',
      POOLWRIGHT_FLEET_PROCESSES: '10',
      POOLWRIGHT_FLEET_LEDGER: 'redis://localhost',
      POOLWRIGHT_FLEET_DRY_RUN: 'true',
    };
    const target = 'mysql://app@localhost/shop';
    expect(resolveOptions({ target }, 'own', environment).fleet).toMatchObject({ budget: 100, processes: 10, dryRun: true });
    expect(resolveOptions({ target }, 'mysql2', environment).fleet).toMatchObject({ budget: 100, processes: 10, dryRun: true });
    const options = { fleet: { budget: 200 } as never };
    expect(resolveOptions({ target, options }, 'own', environment).fleet).toMatchObject({ budget: 200, processes: 10 });
    expect(resolveOptions({ target, options: { fleet: false } }, 'own', environment).fleet).toBeUndefined();
    expect(refusal(() => resolveOptions({ target }, 'own', { POOLWRIGHT_FLEET_BUGDET: '1' }))).toContain(
      'Did you mean POOLWRIGHT_FLEET_BUDGET?',
    );
  });

  it('of a cluster is a fleet for each server, and has no ledger in the database', () => {
    const nodes = ['mysql://app@a/shop', 'mysql://app@b/shop'];
    const { nodes: resolved } = resolveClusterOptions({ nodes, fleet: GIVEN, ssl: false }, {});
    expect(resolved.map(({ options }) => options.fleet?.name)).toEqual(['shop@a:3306', 'shop@b:3306']);
    expect(refusal(() => resolveClusterOptions({ nodes, fleet: { ...GIVEN, ledger: 'database' }, ssl: false }, {}))).toContain(
      "fleet.ledger: 'database' is for a pool of one server",
    );
  });
});
