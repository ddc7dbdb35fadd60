import { deepStrictEqual } from 'node:assert/strict';
import { accountOf } from '../data.js';
import type { ConnectionPool, Lender } from '../rivals/lender.js';
import { expectConnections } from '../runner/expect-connections.js';
import type { Surroundings } from '../scenario.js';

/** Has all resources opened, and proves that there are as many as there should be. */
export async function warmed<L extends Lender>(lender: L, size: number): Promise<L> {
  const all = await Promise.all(Array.from({ length: size }, () => lender.acquire()));
  if (new Set(all).size !== size) throw new Error(`${size} acquires at the same time got ${new Set(all).size} different resources.`);
  for (const resource of all) lender.release(resource);
  return lender;
}

/** The same for connections, whose number the server is asked for, and which must give the right answer. */
export async function warmedConnections(pool: ConnectionPool, size: number, surroundings: Surroundings): Promise<ConnectionPool> {
  await warmed(pool, size);
  await expectConnections(surroundings.id, surroundings.ask, size);
  for (let id = 1; id <= 3; id += 1) {
    const sql = 'SELECT id, name, balance FROM accounts WHERE id = ?';
    deepStrictEqual({ ...pool.rowsOf(await pool.query(sql, [id]))[0] }, accountOf(id));
  }
  return pool;
}
