import { expect } from 'vitest';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { imbalanceOf, poolOf, valueOf } from '../../support/pool-on-database.js';
import { createDatabase, type DatabaseServer, type TestDatabase } from '../../support/servers/database.js';
import { startTcpProxy, type TcpProxy } from '../../support/network/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';

/** The connection that kills statements does not count towards the limit. */
const CONNECTION_THAT_KILLS = 1;

/** A pool on a database of its own, with a network in between that fails on command. */
export interface FaultyDatabase extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly proxy: TcpProxy;
  readonly pool: Pool;
}

/** @param server default: the MariaDB that all tests of this run share, which they must not stop, freeze or reconfigure */
export async function openFaulty(options: PoolOptions = {}, server?: DatabaseServer): Promise<FaultyDatabase> {
  const database = await createDatabase(server);
  const proxy = await startTcpProxy(database);
  const pool = poolOf(database, { port: proxy.port, ...options });
  return {
    database,
    proxy,
    pool,
    async [Symbol.asyncDispose]() {
      await pool.end();
      await proxy.stop();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** No invariant is broken: nothing is lent, no caller waits, the counters add up (I12), and the server has no more connections than allowed (I4). */
export async function expectWhole({ pool, database }: Pick<FaultyDatabase, 'pool' | 'database'>): Promise<void> {
  await waitFor(
    'the pool to be at rest',
    () => pool.summary(),
    ({ used, waiting, opening, checking, closing }) => used + waiting + opening + checking + closing === 0,
  );
  expect(imbalanceOf(pool.stats())).toEqual([]);
  const most = pool.summary().limit + CONNECTION_THAT_KILLS;
  // Of connections that were cut off, a server hears a little later.
  await waitFor(
    `at most ${most} connections on the server`,
    () => database.serverConnections(),
    (count) => count <= most,
  );
}

/** The pool serves again. Prints how long that took; nothing depends on it. */
export async function expectServedAgain(pool: Pool, what: string, since: number): Promise<void> {
  await waitFor(
    `service ${what}`,
    () => valueOf(pool, '1'),
    (value) => value === 1,
    { intervalMs: 2 },
  );
  console.log(`${what}: served again after ${Math.round(performance.now() - since)} ms`);
}

/** How calls ended: `ok`, or the code of their error, with how often. Every failure has a code. */
export async function tally(calls: readonly Promise<unknown>[]): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const outcome of await Promise.all(calls.map(codeOf))) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** `ok`, or the code of the error. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (typeof code !== 'string') throw new Error('A failure has no code.', { cause: error });
    return code;
  }
}

/** The server runs this many statements with that text. */
export async function runningOn(database: TestDatabase, sql: string): Promise<number> {
  return (await database.processlist()).filter(({ info }) => info === sql).length;
}
