/** One look at a server: what it is, whether it takes writes, how far it lags, which others it knows. */

import type { DiscoveryKind, NodeConnection, NodeReading, RoleWord } from '../contract/index.js';
import { readAurora } from './aurora.js';
import { readGroup } from './group-replication.js';
import { cellText, Interview } from './interview.js';
import { readMariaDb } from './mariadb-replication.js';
import { readMySql } from './mysql-replication.js';
import type { ReplicationReading } from './replication-reading.js';
import { readFacts, type ServerFacts } from './server-facts.js';
import { readTidb } from './tidb.js';

/**
 * Looks at a server over a connection of a monitor, with a few statements one after the other. What the server refuses to say is unknown then, and
 * `complaints` says which GRANT is missing. Rejects only when the connection breaks, or when the server does not even show its variables.
 *
 * @param kind 'auto': what the server is; 'static': the same, without the servers that it knows
 * @param heard is called with the answer to the first statement: who it is, and whether it takes writes
 */
export async function readNode(
  connection: NodeConnection,
  kind: DiscoveryKind | 'auto',
  heard?: (word: RoleWord) => void,
): Promise<NodeReading> {
  const interview = new Interview(connection);
  const facts = await readFacts(connection);
  heard?.({ serverId: facts.serverId, role: facts.role });
  const proxy = await proxyAt(connection, facts);
  if (proxy !== undefined) interview.complain(`this is ${proxy}, which chooses a server by itself: name the servers behind it as nodes.`);
  const reading = await readerOf(kind, facts)(interview, facts);
  return {
    serverId: facts.serverId,
    version: connection.version,
    kind: kind === 'auto' ? kindOf(facts) : kind,
    ...reading,
    commitsInOrder: reading.role === 'writer' || facts.appliesInOrder,
    peers: kind === 'static' ? [] : reading.peers,
    complaints: interview.complaints,
  };
}

/** Proxies, by the words in which they name themselves. */
const PROXIES = { '-router': 'MySQL Router', proxysql: 'ProxySQL', maxscale: 'MaxScale', vitess: "Vitess's vtgate" };

async function proxyAt(connection: NodeConnection, { product }: ServerFacts): Promise<string | undefined> {
  // ProxySQL greets as MySQL, and answers this one by itself: in these words only.
  const [row] = product === 'mysql' ? await connection.rows('SELECT @@version_comment LIMIT 1') : [];
  const words = `${connection.version} ${Object.values(row ?? {})
    .map(cellText)
    .join(' ')}`.toLowerCase();
  return Object.entries(PROXIES).find(([word]) => words.includes(word))?.[1];
}

type Reader = (interview: Interview, facts: ServerFacts) => Promise<ReplicationReading>;

function readerOf(kind: DiscoveryKind | 'auto', facts: ServerFacts): Reader {
  if (kind === 'auto' || kind === 'static') return readerFor(facts);
  switch (kind) {
    case 'aurora':
      return readAurora;
    case 'tidb':
      return readTidb;
    case 'group-replication':
      return readGroup;
    case 'replication':
      return facts.product === 'mariadb' ? readMariaDb : readMySql;
  }
}

function kindOf({ product, group }: ServerFacts): DiscoveryKind {
  if (product === 'aurora' || product === 'tidb') return product;
  return product === 'mariadb' || group === '' ? 'replication' : 'group-replication';
}

function readerFor({ product, group }: ServerFacts): Reader {
  switch (product) {
    case 'aurora':
      return readAurora;
    case 'tidb':
      return readTidb;
    case 'mariadb':
      return readMariaDb;
    case 'mysql':
      return group === '' ? readMySql : readGroup;
  }
}
