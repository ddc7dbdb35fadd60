/** Several pools of one process as members of one fleet, and a watch on what the server has of them. */

import type { RowDataPacket } from 'mysql2/promise';
import type { FleetOptions, FleetSnapshot } from '../../../src/fleet/contract/index.js';
import { createPool, type Pool, type PoolOptions } from '../../../src/mysql/index.js';
import type { TestDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';

/** Looks at the server's list of the account's connections again and again. */
export interface ConnectionWatch extends AsyncDisposable {
  /** The most that were there at one look. */
  readonly most: number;
  readonly looks: number;
}

/** Watches over one connection of the administrator's. */
export async function watchConnections(database: Pick<TestDatabase, 'connectAsAdmin' | 'user'>): Promise<ConnectionWatch> {
  const session = await database.connectAsAdmin();
  let [most, looks] = [0, 0];
  const ending = new AbortController();
  const sql = 'SELECT COUNT(*) AS count FROM information_schema.PROCESSLIST WHERE USER = ?';
  const done = (async () => {
    while (!ending.signal.aborted) {
      const [[row]] = await session.query<RowDataPacket[]>(sql, [database.user]);
      most = Math.max(most, Number(row?.['count']));
      looks += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    get most() {
      return most;
    },
    get looks() {
      return looks;
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await done;
      await session.end();
    },
  };
}

/** Pools that share a fleet. Disposing ends them. */
export function fleetOfPools(
  database: TestDatabase,
  count: number,
  fleet: FleetOptions,
  options: PoolOptions = {},
): AsyncDisposable & { readonly pools: readonly Pool[] } {
  const pools = Array.from({ length: count }, (_, index) =>
    createPool({ ...database.connection, minIdle: 0, name: `member-${index}`, ...options, fleet }),
  );
  return { pools, [Symbol.asyncDispose]: async () => void (await Promise.all(pools.map((pool) => pool.end()))) };
}

/** What a pool knows of its fleet. */
export function fleetOf(pool: Pool): FleetSnapshot {
  const { fleet } = pool;
  if (fleet === undefined) throw new Error('the pool has no fleet');
  return fleet;
}

/** Waits until a pool's fleet is as wanted. */
export function fleetTo(what: string, pool: Pool, accept: (fleet: FleetSnapshot) => boolean): Promise<FleetSnapshot> {
  return waitFor(what, () => fleetOf(pool), accept, { timeoutMs: 60_000 });
}

/** Callers that run short statements without a break, until they are stopped; resolves with how many failed. */
export function load(pool: Pool, callers: number, seconds = 0.02): () => Promise<number> {
  const stopping = new AbortController();
  let failed = 0;
  let lastError: unknown;
  const work = Array.from({ length: callers }, async () => {
    while (!stopping.signal.aborted) {
      try {
        await pool.query('SELECT SLEEP(?)', [seconds]);
      } catch (error) {
        failed += 1;
        // After a test that failed, nothing stops it.
        if (pool.summary().state === 'closed') return;
        lastError = error;
      }
    }
  });
  return async () => {
    stopping.abort();
    await Promise.all(work);
    if (failed > 0) console.error('the last error of the load:', lastError);
    return failed;
  };
}
