/** Statements of several contexts on one connection, and what else could move one into another request's trace. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { createPoolCluster } from '../../../src/mirror/promise.js';
import { poolOf } from '../../support/pool-on-database.js';
import { createDatabase } from '../../support/servers/database.js';
import { CommandsSeen } from './support/commands-seen.js';

const store = new AsyncLocalStorage<string>();
const NAMES = ['a', 'b', 'c'];

interface Runner {
  query(sql: string): Promise<unknown>;
}

/** Each name sends a statement in its own context, all at a time. Returns what the contexts were after the answers. */
async function inParallel(runner: Runner): Promise<unknown[]> {
  const sent = NAMES.map((name) => store.run(name, () => runner.query(`SELECT 1 /* ${name} */`).then(() => store.getStore())));
  return await Promise.all(sent);
}

describe('statements of several contexts at a time', () => {
  it('in one transaction, and on one borrowed connection, each run in their own', async () => {
    await using database = await createDatabase();
    await using pool = poolOf(database, { connectionLimit: 1 });
    using commands = new CommandsSeen(store);
    const held = await store.run('the borrower', () => pool.getConnection());
    const transaction = store.run('the transaction', () => pool.transaction(inParallel));
    expect(await inParallel(held)).toEqual(NAMES);
    store.run('who gave it back', () => held.release());
    expect(await transaction).toEqual(NAMES);
    for (const name of NAMES) expect(commands.of(`/* ${name} */`)).toEqual([name, name]);
    expect([commands.of('START TRANSACTION'), commands.of('COMMIT')]).toEqual([['the transaction'], ['the transaction']]);
  });

  it('over a cluster of the mirror, each run in their own, even when a node is dead', async () => {
    await using database = await createDatabase();
    const cluster = createPoolCluster({ removeNodeErrorCount: 100 });
    // Nothing listens on port 1.
    cluster.add('dead', { ...database.connection, port: 1, connectionLimit: 1, acquireTimeout: 100 } as never);
    cluster.add('live', { ...database.connection, connectionLimit: 1 });
    using commands = new CommandsSeen(store);
    expect(await inParallel(cluster.of('*', 'ORDER'))).toEqual(NAMES);
    for (const name of NAMES) expect(commands.of(`/* ${name} */`)).toEqual([name]);
    await cluster.end();
  });
});

it('a statement of a listener of the pool runs where the listener was added, not in the request that the event is about', async () => {
  await using database = await createDatabase();
  await using pool = poolOf(database, { connectionLimit: 2 });
  using commands = new CommandsSeen(store);
  const heard: Promise<unknown>[] = [];
  store.run('who listens', () =>
    pool.pool.on('acquire', () => {
      if (heard.length < NAMES.length) heard.push(pool.query('SELECT 1 /* by a listener */'));
    }),
  );
  await inParallel(pool);
  await Promise.all(heard);
  expect(new Set(commands.of('/* by a listener */'))).toEqual(new Set(['who listens']));
  for (const name of NAMES) expect(commands.of(`/* ${name} */`)).toEqual([name]);
});
