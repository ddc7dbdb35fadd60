/** I8: hundreds of ways to change a session, each way to give the connection back, and the whole session that the next borrower finds. */
import { createHash, randomInt } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import { expect, it } from 'vitest';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { poolOf } from '../../support/pool-on-database.js';
import { changesOf, type Way, waysOf } from './session-changes.js';
import { WAYS_BACK } from './ways-back.js';
import { differences, variablesOf, type WholeSession, wholeSession } from './whole-session.js';

/** POOLWRIGHT_SESSIONS=all tries each change in each way; POOLWRIGHT_SESSIONS=<seed> repeats a sample. */
const ASKED = process.env['POOLWRIGHT_SESSIONS'];
const SEED = ASKED === undefined || ASKED === 'all' ? String(randomInt(1_000_000_000)) : ASKED;
const SAMPLE = 250;

interface Case {
  readonly way: Way;
  readonly wayBack: string;
}

/** In an order that only the seed decides. */
function sampled<T>(all: readonly T[], nameOf: (item: T) => string, count: number): T[] {
  const order = new Map(
    all.map((item) => [
      item,
      createHash('sha1')
        .update(`${SEED} ${nameOf(item)}`)
        .digest('hex'),
    ]),
  );
  return [...all].sort((one, other) => String(order.get(one)).localeCompare(String(order.get(other)))).slice(0, count);
}

async function casesOn(admin: Connection, pool: Pool, role: string): Promise<Case[]> {
  const changes = await changesOf(admin, await variablesOf(pool), role);
  const chosen = ASKED === 'all' ? changes : sampled(changes, ({ sql }) => sql, 80);
  const cases: Case[] = [];
  for (const [place, change] of chosen.entries()) {
    for (const way of await waysOf(change, place, admin)) for (const wayBack of Object.keys(WAYS_BACK)) cases.push({ way, wayBack });
  }
  return ASKED === 'all' ? cases : sampled(cases, ({ way, wayBack }) => `${way.what} ${wayBack}`, SAMPLE);
}

async function prepare(database: TestDatabase, role: string): Promise<void> {
  await database.admin(`GRANT ALL ON *.* TO '${database.user}'@'%'`);
  await database.admin(`CREATE ROLE ${role}`);
  await database.admin(`GRANT ${role} TO '${database.user}'@'%'`);
  await database.admin('CREATE TABLE kept (id INT)');
}

async function faultOf(pool: Pool, fresh: WholeSession, { way, wayBack }: Case): Promise<string[]> {
  // A server that refuses a statement has not changed by it, or in part.
  await WAYS_BACK[wayBack]?.(pool, way.statements).catch(() => undefined);
  await using next = await pool.getConnection();
  const found = differences(fresh, await wholeSession(next));
  return found.length === 0 ? [] : [`${way.what}; ${wayBack}: ${found.join(', ')}`];
}

it(`I8: the next borrower finds a new session, no matter what was changed and how the connection came back (seed ${SEED})`, {
  timeout: 1_800_000,
}, async () => {
  await using database = await createDatabase();
  const role = `role_${database.database.slice('test_'.length)}`;
  const pool = poolOf(database, { connectionLimit: 1, multipleStatements: true });
  const admin = await database.connectAsAdmin({ multipleStatements: true });
  try {
    await prepare(database, role);
    const cases = await casesOn(admin, pool, role);
    pool.evict();
    const first = await pool.getConnection();
    const fresh = await wholeSession(first);
    first.release();
    const faults: string[] = [];
    for (const each of cases) {
      faults.push(...(await faultOf(pool, fresh, each)));
      if (each.way.what.includes('XA PREPARE')) await admin.query("XA ROLLBACK 'prepared'").catch(() => undefined);
    }
    expect(faults).toEqual([]);
    expect(cases.length).toBeGreaterThanOrEqual(SAMPLE);
    expect(pool.stats().resets).toBeGreaterThan(SAMPLE / 4);
  } finally {
    await pool.end();
    await admin.end();
    await database.admin(`DROP ROLE ${role}`);
  }
});
