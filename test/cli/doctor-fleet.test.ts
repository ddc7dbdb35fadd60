/** What the doctor finds of a fleet: its budget, whether the account's connections can be counted, and the ledger. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor/finding.js';
import { missingRights } from '../../src/cli/doctor/grants.js';
import { createPool } from '../../src/mysql/index.js';
import { fleetTo } from '../fleet/support/fleet-of-pools.js';
import { freePort } from '../support/network/free-port.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';
import { startRedis } from '../support/servers/redis-server.js';
import { diagnose, findingOf } from './support/diagnose.js';

const OF_FLEET = ['fleet-budget', 'fleet-count', 'fleet-ledger'];

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database[Symbol.asyncDispose]());

async function found(environment: Readonly<Record<string, string>>, settings: object = {}): Promise<Record<string, Finding>> {
  const variables = { NAME: 'shop', BUDGET: '40', PROCESSES: '4', LEDGER: 'database', ...environment };
  const given = Object.fromEntries(Object.entries(variables).map(([name, value]) => [`POOLWRIGHT_FLEET_${name}`, value]));
  const { findings } = await diagnose(database.url(), { environment: given, ...settings });
  return Object.fromEntries(findings.filter(({ step }) => OF_FLEET.includes(step)).map((finding) => [finding.step, finding]));
}

describe('poolwright doctor of a pool in a fleet', () => {
  it('finds a sound fleet in the database sound, before and after the first pool has made the table, and joins nothing', async () => {
    const account = `'${database.user}'@'%'`;
    await database.admin(`REVOKE CREATE ON \`${database.connection.database}\`.* FROM ${account}`);
    expect((await found({}))['fleet-ledger']).toMatchObject({
      status: 'fail',
      message: 'the table poolwright_fleet does not exist, and the account may not create it',
      advice: expect.stringMatching(/CREATE TABLE IF NOT EXISTS poolwright_fleet .*GRANT SELECT, INSERT, UPDATE ON/) as string,
    });
    await database.admin(`GRANT CREATE ON \`${database.connection.database}\`.* TO ${account}`);
    const before = await found({});
    expect(before['fleet-budget']).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('budget 40: floor 3 × 4 processes = 12, 28 are shared') as string,
    });
    expect(before['fleet-count']).toMatchObject({ status: 'ok', message: expect.stringContaining("including the doctor's two") as string });
    expect(before['fleet-ledger']).toMatchObject({ status: 'ok', message: expect.stringContaining('the first pool creates it') as string });
    expect(await database.admin(`SHOW TABLES FROM \`${database.connection.database}\` LIKE 'poolwright_fleet'`)).toEqual([]);

    const fleet = { name: 'shop', budget: 40, processes: 4, ledger: 'database' } as const;
    await using pool = createPool(database.url(), { name: 'member', minIdle: 0, fleet });
    await fleetTo('have a lease', pool, ({ phase }) => phase === 'leased');
    expect((await found({}))['fleet-ledger']).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/^the ledger in the database answers in .*; fleet shop has 1 member$/) as string,
    });
  });

  it('says what to do about a budget that the server does not bear, and about too many processes', async () => {
    await database.admin(`ALTER USER '${database.user}'@'%' WITH MAX_USER_CONNECTIONS 30`);
    try {
      expect((await found({}))['fleet-budget']).toMatchObject({
        status: 'fail',
        message: expect.stringContaining('fleet.budget = 40 is above max_user_connections = 30') as string,
        advice: 'Lower fleet.budget to 24, or raise max_user_connections.',
      });
      expect((await found({ BUDGET: '28' }))['fleet-budget']).toMatchObject({
        status: 'warn',
        message: expect.stringContaining('93 %') as string,
      });
      expect((await found({ BUDGET: 'auto', PROCESSES: '10' }))['fleet-budget']).toMatchObject({
        status: 'fail',
        message: expect.stringContaining('= 3 × 10 = 30; given: 24') as string,
        advice: expect.stringContaining('Lower fleet.processes to 8') as string,
      });
      expect((await found({ BUDGET: 'auto' }, { processes: 6 }))['fleet-budget']).toMatchObject({
        status: 'fail',
        message: expect.stringContaining('6 processes are more than fleet.processes = 4') as string,
      });
    } finally {
      await database.admin(`ALTER USER '${database.user}'@'%' WITH MAX_USER_CONNECTIONS 0`);
    }
  });

  it('finds a ledger in Redis that answers, and one that does not', async () => {
    await using redis = await startRedis();
    expect((await found({ LEDGER: redis.url }))['fleet-ledger']).toMatchObject({
      status: 'ok',
      message: expect.stringMatching(/^the ledger in Redis answers in .*; fleet shop has 0 members$/) as string,
    });
    const silent = { LEDGER: `redis://127.0.0.1:${await freePort()}` };
    expect((await found(silent, { timeoutMs: 2_000 }))['fleet-ledger']).toMatchObject({
      status: 'fail',
      message: 'the ledger in Redis has not answered within 2000 ms',
      advice: expect.stringContaining('safe share') as string,
    });
  });

  it('points to the fleet where processes × limit is too much, and skips its steps without one', async () => {
    await database.admin(`ALTER USER '${database.user}'@'%' WITH MAX_USER_CONNECTIONS 30`);
    try {
      const diagnosis = await diagnose(database.url(), { processes: 2 });
      expect(findingOf(diagnosis, 'max-connections')).toMatchObject({
        status: 'fail',
        advice: expect.stringContaining('docs/fleet.md') as string,
      });
      expect(findingOf(diagnosis, 'fleet-budget')).toMatchObject({ status: 'skip' });
      expect(findingOf(diagnosis, 'fleet-ledger')).toBeUndefined();
    } finally {
      await database.admin(`ALTER USER '${database.user}'@'%' WITH MAX_USER_CONNECTIONS 0`);
    }
  });
});

describe('the rights on the table of a ledger', () => {
  const wanted = ['SELECT', 'INSERT', 'UPDATE'];

  it.each([
    ['of the whole database', ['GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%`'], []],
    ['of a pattern of databases', ['GRANT SELECT, INSERT, UPDATE ON `sh%`.* TO `app`@`%`'], []],
    ['of that table alone', ['GRANT SELECT ON `shop`.* TO `a`@`%`', 'GRANT INSERT, UPDATE ON `shop`.`poolwright_fleet` TO `a`@`%`'], []],
    [
      'of another table',
      ['GRANT SELECT ON `shop`.* TO `a`@`%`', 'GRANT INSERT, UPDATE ON `shop`.`orders` TO `a`@`%`'],
      ['INSERT', 'UPDATE'],
    ],
    ['by a role, whose rights are not listed', ['GRANT `writer`@`%` TO `app`@`%`'], []],
  ])('are read %s', (_, lines, missing) => {
    expect(missingRights(lines, 'shop', 'poolwright_fleet', wanted)).toEqual(missing);
  });
});
