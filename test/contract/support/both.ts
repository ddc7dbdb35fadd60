import type { PoolOptions } from 'mysql2';
import { type Fixture, mysql2, open, poolwright, type Subject } from './subjects.js';

/** What came of it, once with mysql2's pool and once with ours. */
export async function both<T>(work: (subject: Subject) => Promise<T>): Promise<{ readonly mysql2: T; readonly poolwright: T }> {
  return { mysql2: await work(mysql2), poolwright: await work(poolwright) };
}

/** The same on a pool of its own. */
export function onBoth<T>(
  options: PoolOptions | ((subject: Subject) => object),
  work: (fixture: Fixture, subject: Subject) => Promise<T>,
): ReturnType<typeof both<T>> {
  return both(async (subject) => {
    await using fixture = await open(subject, typeof options === 'function' ? options(subject) : options);
    return await work(fixture, subject);
  });
}

/** Ours alone may have options that mysql2 does not know. */
export const ours =
  (options: object, shared: PoolOptions = {}) =>
  (subject: Subject): object => ({ ...shared, ...(subject === poolwright ? options : {}) });
