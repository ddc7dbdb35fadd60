/** MySQL Group Replication: from performance_schema.replication_group_members. */

import type { Peer } from '../contract/index.js';
import { type Interview, numberOf, type Row, cellText } from './interview.js';
import { readExecuted } from './mysql-replication.js';
import type { ReplicationReading } from './replication-reading.js';
import { largestLag, readChannels } from './replica-lag.js';
import type { ServerFacts } from './server-facts.js';

const MEMBERS = `SELECT MEMBER_ID AS id, MEMBER_HOST AS host, MEMBER_PORT AS port, MEMBER_STATE AS state, MEMBER_ROLE AS role
  FROM performance_schema.replication_group_members`;

/** The group works with more than half of its members; those that a member cannot reach do not count. */
const PRESENT: ReadonlySet<string> = new Set(['ONLINE', 'RECOVERING']);

/**
 * Looks at a member of a group. It is a writer only while it is online as a primary, takes writes, and its group has a majority: what else takes
 * writes, such as a member that was started outside of its group, must get none.
 */
export async function readGroup(interview: Interview, facts: ServerFacts): Promise<ReplicationReading> {
  const executed = await readExecuted(interview, facts);
  const rows = await interview.ask('the members of its group are not known', 'SELECT ON performance_schema.*', MEMBERS);
  // Its own word on writes is all that is known.
  if (rows === undefined) {
    const isWriter = facts.role === 'writer';
    return { role: facts.role, lagMs: isWriter ? 0 : undefined, replicating: isWriter || undefined, executed, peers: [] };
  }
  const members = rows.filter((row) => cellText(row['host']) !== '');
  const own = members.find((row) => row['id'] === facts.serverId);
  const online = own?.['state'] === 'ONLINE' && hasMajority(members);
  if (!online) interview.complain(`it is not a member of its group: ${whyNot(own, members)}.`);
  const peers = members.map(memberOf);
  if (online && own?.['role'] === 'PRIMARY' && facts.role === 'writer') {
    return { role: 'writer', lagMs: 0, replicating: true, executed, peers };
  }
  const channels = online ? await readChannels(interview) : undefined;
  // It is online, and may not say more.
  if (online && channels === undefined) return { role: 'reader', lagMs: undefined, replicating: undefined, executed, peers };
  const replicating = channels !== undefined && channels.length > 0 && channels.every(({ receiving, applying }) => receiving && applying);
  return { role: 'reader', lagMs: replicating ? largestLag(channels) : undefined, replicating, executed, peers };
}

function memberOf(row: Row): Peer {
  const role = cellText(row['role']);
  return {
    host: cellText(row['host']),
    port: numberOf(row['port']) ?? 0,
    serverId: cellText(row['id']),
    role: role === 'PRIMARY' ? 'writer' : role === 'SECONDARY' ? 'reader' : undefined,
    online: row['state'] === 'ONLINE',
  };
}

function hasMajority(members: readonly Row[]): boolean {
  return members.filter((row) => PRESENT.has(cellText(row['state']))).length * 2 > members.length;
}

function whyNot(own: Row | undefined, members: readonly Row[]): string {
  if (own === undefined || own['state'] !== 'ONLINE') return `it is ${cellText(own?.['state']) || 'OFFLINE'}`;
  const reached = members.filter((row) => PRESENT.has(cellText(row['state']))).length;
  return `it reaches ${reached} of ${members.length} members, which is no majority`;
}
