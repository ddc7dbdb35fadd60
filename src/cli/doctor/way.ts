/** Step proxy: what stands between this machine and the server, by what it says of itself and by what connections show. */

import type { Socket } from 'node:net';
import type { Endpoint, Pool, PoolConnection } from '../../mysql/index.js';
import { pairs, row } from './asking.js';
import type { Finding } from './finding.js';
import type { ServerKind } from './server-kind.js';

/** What is known of the way to the server. */
export interface Way {
  /** The connection number of the greeting is not the session's: another program greeted and took the login. */
  readonly answersItself: boolean;
  /** How many servers answered. */
  readonly servers: number;
}

/** A balancer that takes its servers in turn shows the second of two at once, and each of four. */
const CONNECTIONS = 4;

/** What one connection shows. */
interface Sighting {
  /** In the greeting, and in the session. */
  readonly numbers: readonly [greeted: number, own: number];
  /** The port of this end of the connection, here and as the server sees it. `undefined`: over a socket, or it does not say. */
  readonly ports: readonly [here: number | undefined, seen: number | undefined];
  /** The port that the server says it listens on. */
  readonly listens: number | undefined;
  /** What no two servers have in common. */
  readonly server: string;
}

export async function examineWay(
  pool: Pool,
  endpoint: Endpoint,
  { kind, isProxy, takes }: ServerKind,
  report: (finding: Finding) => void,
): Promise<Way> {
  const sightings: Sighting[] = [];
  for (let count = 0; count < CONNECTIONS; count += 1) {
    const connection = await pool.getConnection();
    try {
      sightings.push(await look(connection));
    } finally {
      connection.destroy();
    }
  }
  const servers = new Set(sightings.map(({ server }) => server));
  const way: Way = { answersItself: sightings.some(({ numbers: [greeted, own] }) => greeted !== own), servers: servers.size };
  const evidence = [
    ...(way.answersItself
      ? ['it greets and accepts logins itself: the connection number in the greeting is not the number of the session']
      : []),
    ...(sightings.some(endsInBetween) ? ['the server sees a different connection from the one that begins here'] : []),
    ...(sightings.some(({ listens }) => isForwarded(endpoint, listens))
      ? [`the server listens on port ${[...new Set(sightings.map(({ listens }) => listens))].join(' and ')}, not ${endpoint.port}`]
      : []),
    ...(servers.size > 1 ? [`${CONNECTIONS} connections came to ${servers.size} servers (${[...servers].join('; ')})`] : []),
  ];
  report({
    step: 'proxy',
    status: 'ok',
    ...wordsFor({
      name: isProxy ? kind : undefined,
      takes,
      evidence,
      way,
      isSocket: endpoint.socketPath !== undefined,
      ends: sightings.some(endsInBetween),
    }),
  });
  return way;
}

function isForwarded({ socketPath, port }: Endpoint, listens: number | undefined): boolean {
  return socketPath === undefined && listens !== undefined && listens !== 0 && listens !== port;
}

function endsInBetween({ ports: [here, seen] }: Sighting): boolean {
  return here !== undefined && seen !== undefined && here !== seen;
}

interface Seen {
  readonly name: string | undefined;
  readonly takes: string | undefined;
  readonly evidence: readonly string[];
  readonly way: Way;
  readonly isSocket: boolean;
  readonly ends: boolean;
}

/** A proxy is named when it names itself; else it is said what was seen, and what can do that. */
function wordsFor({ name, takes, evidence, way, isSocket, ends }: Seen): Pick<Finding, 'message' | 'advice'> {
  const because = evidence.join('; ');
  const several =
    way.servers > 1
      ? ' One connection may not see yet what another one wrote. If a KILL reaches the wrong server, the pool tries it once more over a new connection.'
      : '';
  if (name !== undefined) {
    return {
      message: `${name} stands in between${because === '' ? ' (it identifies itself)' : `: ${because}`}`,
      advice: `${takes ?? ''}${several}`.trim(),
    };
  }
  if (way.answersItself) {
    return {
      message: `a proxy that does not identify itself is in between: ${because}`,
      advice: `If it shares the server's connections between clients, LAST_INSERT_ID(), user variables, locks, and prepared statements may be lost between statements. See the steps session and cancel below.${several}`,
    };
  }
  if (evidence.length === 0)
    return { message: isSocket ? 'none: the connection is a local socket' : 'none was seen: this connection ends at the server' };
  if (ends) {
    return {
      message: `something forwards connections, and does not identify itself: ${because}`,
      advice: `HAProxy, MySQL Router in passthrough mode, a cloud load balancer, a tunnel, or NAT does this. Sessions, LAST_INSERT_ID(), prepared statements, and resets work as on the server. Its idle timeout must be above keepaliveInterval. Accounts and max_connect_errors see its address, not the address of this client.${several}`,
    };
  }
  if (way.servers > 1) return { message: `several servers answer at this address: ${because}`, advice: several.trim() };
  return {
    message: `something forwards the port: ${because}`,
    advice: `The server still sees the address of this machine: it is a mapped port of a container, or a load balancer that forwards addresses (PROXY protocol). Sessions work as on the server. Its idle timeout, if it has one, must be above keepaliveInterval.`,
  };
}

async function look(connection: PoolConnection): Promise<Sighting> {
  const here = localPortOf(connection);
  // A greeting has 32 bits for it; TiDB's numbers may have 64.
  const [own] = await row(connection, 'SELECT CONNECTION_ID() & 4294967295');
  const [host] = await row(connection, 'SELECT HOST FROM information_schema.processlist WHERE ID = CONNECTION_ID()').catch(() => []);
  const names = ['hostname', 'port', 'server_id', 'server_uuid'];
  const variables = new Map(
    await pairs(connection, `SHOW VARIABLES WHERE Variable_name IN (${names.map((name) => `'${name}'`).join(', ')})`),
  );
  const listens = variables.get('port');
  return {
    numbers: [connection.threadId, Number(own)],
    ports: [here, portIn(host)],
    listens: listens === undefined ? undefined : Number(listens),
    server: describe(variables),
  };
}

/** Two servers on one machine differ by port; servers in containers, whose names are random, by all of it. */
function describe(variables: ReadonlyMap<string, string>): string {
  const uuid = variables.get('server_uuid');
  const where = `${variables.get('hostname') ?? 'unknown'} port ${variables.get('port') ?? 'unknown'}`;
  return uuid === undefined ? `${where}, server_id ${variables.get('server_id') ?? 'unknown'}` : `${where}, ${uuid}`;
}

function portIn(host: string | null | undefined): number | undefined {
  const port = /:(\d+)$/.exec(host ?? '')?.[1];
  return port === undefined ? undefined : Number(port);
}

function localPortOf(connection: PoolConnection): number | undefined {
  const { stream } = connection.connection as unknown as { readonly stream?: Socket };
  return stream?.localPort;
}
