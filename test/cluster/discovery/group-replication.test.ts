import { createConnection } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { groupsAreMissing, startGroup } from '../../support/replication/group.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { waitFor } from '../../support/wait-for.js';
import { lookAt, type Place } from '../support/look-at.js';

const LONG = { intervalMs: 100 };

describe('a look at the members of a group', () => {
  it('says who is the primary, who lags, who is gone, and what may not be read; a member outside of its group is no writer', async ({
    skip,
  }) => {
    const missing = groupsAreMissing();
    skip(missing !== undefined, missing);
    await using group = await startGroup();
    const [a, b, c] = group.nodes as [ReplicatedNode, ReplicatedNode, ReplicatedNode];
    const asAdmin = ({ host, port, server }: ReplicatedNode): Place => ({
      host,
      port,
      user: server.adminUser,
      password: server.adminPassword,
    });
    await using connection = await createConnection(a.connection);
    await connection.query('CREATE TABLE written (id INT AUTO_INCREMENT PRIMARY KEY)');
    await connection.query('INSERT INTO written VALUES ()');

    const primary = await lookAt(asAdmin(a));
    expect(primary).toMatchObject({ role: 'writer', lagMs: 0, replicating: true, commitsInOrder: true, complaints: [] });
    const seen = new Map(primary.peers.map(({ host, port, role, online }) => [`${host}:${port}`, [role, online]]));
    expect(Object.fromEntries(seen)).toEqual({ [a.name]: ['writer', true], [b.name]: ['reader', true], [c.name]: ['reader', true] });
    const secondary = await waitFor(
      'a secondary without lag',
      () => lookAt(asAdmin(b)),
      ({ lagMs }) => lagMs === 0,
      LONG,
    );
    expect(secondary).toMatchObject({ role: 'reader', replicating: true });
    expect(primary.peers.find(({ port }) => port === b.port)?.serverId).toBe(secondary.serverId);

    // The application's account may not see the members.
    const poor = await lookAt(b.connection);
    expect(poor).toMatchObject({ role: 'reader', replicating: undefined });
    expect(poor.complaints).toEqual([
      `the members of its group are not known: GRANT SELECT ON performance_schema.* TO '${group.user}'@'%'.`,
    ]);

    await group.leave(c);
    const left = await lookAt(asAdmin(c));
    expect(left).toMatchObject({ role: 'reader', replicating: false, complaints: ['it is not a member of its group: it is OFFLINE.'] });
    // What an operator should not do: it takes writes, and is still no writer.
    await c.admin('SET GLOBAL super_read_only = OFF', 'SET GLOBAL read_only = OFF');
    expect(await lookAt(asAdmin(c))).toMatchObject({ role: 'reader', replicating: false });

    // Of the two that are left, each needs the other.
    await b.server.kill('SIGSTOP');
    const alone = await waitFor(
      'the primary to be alone',
      () => lookAt(asAdmin(a)),
      ({ role }) => role === 'reader',
      LONG,
    );
    expect(alone).toMatchObject({ replicating: false });
    expect(alone.complaints).toEqual(['it is not a member of its group: it reaches 1 of 2 members, which is no majority.']);
    await b.server.kill('SIGCONT');
    await waitFor(
      'the majority to be back',
      () => lookAt(asAdmin(a)),
      ({ role }) => role === 'writer',
      LONG,
    );
  });
});
