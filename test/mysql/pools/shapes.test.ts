import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/servers/database.js';
import { type BuiltPackage, buildPackage } from '../support/built-package.js';

let built: BuiltPackage;

beforeAll(async () => {
  built = await buildPackage();
});

afterAll(async () => {
  await built[Symbol.asyncDispose]();
});

/** Something is done a few times, a collection comes, it is done again and again; prints the sizes of the objects that are there meanwhile. */
const program = (use: string, times: number, most: number): string => `
  const { setFlagsFromString, writeHeapSnapshot } = await import('node:v8');
  const { readFileSync } = await import('node:fs');
  setFlagsFromString('--expose-gc');
  const collect = (await import('node:vm')).runInNewContext('gc');
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const pool = poolwright.createPool(process.env.DATABASE_URL);
  await pool.ready();
  let hold = () => pause(40);
  const use = ${use};
  await Promise.all(Array.from({ length: ${times} }, use));
  for (let number = 0; number < 5; number += 1) {
    await pause(20);
    collect();
  }
  await Promise.all(Array.from({ length: 10 }, use));
  let letGo;
  const held = new Promise((resolve) => { letGo = resolve; });
  let inside = 0;
  const holding = new Promise((resolve) => {
    hold = () => {
      inside += 1;
      if (inside === ${most}) resolve();
      return held;
    };
  });
  const underWay = Array.from({ length: 30 }, use);
  // A function is held by this program; a statement, by its server: the snapshot is taken before the event loop turns.
  await ${use.includes('hold()') ? 'holding' : 'undefined'};
  const file = writeHeapSnapshot(process.argv[1] + '.heapsnapshot');
  letGo();
  await Promise.all(underWay);
  await pool.end();
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(file, 'utf8'));
  const { node_fields: fields, node_types: [types] } = snapshot.meta;
  const [type, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field));
  for (let node = 0; node < nodes.length; node += fields.length) {
    if (types[nodes[node + type]] === 'object') print(strings[nodes[node + name]] + ' ' + nodes[node + size]);
  }`;

/** An object takes 24 bytes, and 8 more for each field; one that is a hash table has none. */
const BYTES_OF_A_HASH_TABLE = 24;

describe('a collection in the first quiet minute, when V8 has seen six of them, leaves fast', () => {
  const borrow = `async () => {
    const connection = await pool.getConnection();
    await hold();
    connection.release();
  }`;
  const transaction = `() => pool.transaction(() => hold())`;
  it.each<[what: string, classes: string[], use: string, connections: number, times: number]>([
    ['statements', ['PooledStatement', 'Lease', 'Query'], `() => pool.query('DO SLEEP(0.1)')`, 20, 6],
    ['prepared statements', ['PooledStatement', 'Lease', 'Execute'], `() => pool.execute('DO SLEEP(0.1)')`, 20, 6],
    ['borrowed connections', ['BorrowedConnection', 'Lease'], borrow, 20, 6],
    ['callers that wait for a connection', ['PoolConnectionWaiter'], borrow, 1, 7],
    ['transactions', ['Transaction', 'Attempt', 'TransactionLimits', 'TransactionScope'], transaction, 20, 6],
    ['transactions that wait for their connection', ['LeaseWaiter'], transaction, 1, 7],
  ])('%s', async (_, classes, use, connectionLimit, times) => {
    await using database = await createDatabase();
    const url = database.url({ parameters: { connectionLimit: String(connectionLimit) } });
    const ending = await built.run(program(use, times, Math.min(connectionLimit, 2)), { DATABASE_URL: url });
    expect(ending).toMatchObject({ code: 0, stderr: '' });
    const objects = ending.lines.map((line) => line.split(' '));
    for (const name of classes) {
      const sizes = objects.filter(([one]) => one === name).map(([, bytes]) => Number(bytes));
      expect([name, sizes.length > 1, sizes.filter((bytes) => bytes <= BYTES_OF_A_HASH_TABLE)]).toEqual([name, true, []]);
    }
  });
});
