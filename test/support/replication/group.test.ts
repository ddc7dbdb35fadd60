import { createConnection } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { errorOf, valueOf } from '../pool-on-database.js';
import { waitFor } from '../wait-for.js';
import { groupsAreMissing, startGroup } from './group.js';
import type { ReplicatedNode } from './replicated-node.js';

const LONG = { intervalMs: 50 };

async function write(node: ReplicatedNode, value: number): Promise<void> {
  await using connection = await createConnection(node.connection);
  await connection.query('CREATE TABLE IF NOT EXISTS written (id INT AUTO_INCREMENT PRIMARY KEY, value INT)');
  await connection.query('INSERT INTO written (value) VALUES (?)', [value]);
}

async function sum(node: ReplicatedNode): Promise<number> {
  await using connection = await createConnection(node.connection);
  return Number(await valueOf(connection, '(SELECT SUM(value) FROM written)'));
}

const arrived = (node: ReplicatedNode, total: number): Promise<number> =>
  waitFor(
    `${total} on ${node.name}`,
    () => sum(node),
    (value) => value === total,
    LONG,
  );

describe('a group with a single primary', () => {
  it('passes writes on, is switched over, elects another primary after SIGKILL, and takes the lost one back', async ({ skip }) => {
    const missing = groupsAreMissing();
    skip(missing !== undefined, missing);
    await using group = await startGroup();
    const [a, b, c] = group.nodes as [ReplicatedNode, ReplicatedNode, ReplicatedNode];
    expect(await group.primary(c)).toBe(a);
    await write(a, 1);
    await arrived(c, 1);
    expect(await errorOf(write(b, 10))).toMatchObject({ errno: 1290 });

    await group.switchOver(b);
    expect(await group.primary(c)).toBe(b);
    await write(b, 2);
    await arrived(a, 3);

    await b.server.kill('SIGKILL');
    const next = await waitFor(
      'another primary',
      () => group.primary(c),
      (primary) => primary !== undefined && primary !== b,
      LONG,
    );
    await write(next as ReplicatedNode, 4);
    await b.restart();
    await group.join(b);
    await arrived(b, 7);
    expect((await group.members(a)).map(({ state }) => state)).toEqual(['ONLINE', 'ONLINE', 'ONLINE']);

    await group.leave(c);
    expect(await group.members(a)).toHaveLength(2);
  });
});
