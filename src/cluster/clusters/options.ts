/** The options of a cluster: checked and completed before anything is opened. */

import { invalid, invalidUnquoted, type OptionSpec, PoolError, refuseUnknownOptions, resolveFromTable } from '../../engine/index.js';
import { optionNames, type ResolvedOptions, resolveOptions } from '../../mysql/index.js';
import type { ClusterOptions, FailureDetectionOptions, GivenNode, NodeAddress, ResolvedClusterOptions } from '../contract/index.js';
import { nodeName } from '../monitoring/index.js';

/** Options that only a cluster has. */
const OF_CLUSTER = ['nodes', 'discovery', 'reads', 'address', 'monitor', 'failureDetection'] as const;

/** Options of a pool that contradict a cluster, and why. */
const CONTRADICTIONS: Readonly<Record<string, string>> = {
  role: 'a cluster finds the roles of its nodes by itself: writes go to the writer, and reader reads from the others',
};

/** Options of a pool that say where one server is. */
const OF_ONE_SERVER: readonly string[] = ['uri', 'host', 'port', 'socketPath'];

/** What a node may say for itself: how to reach it. What connections do is the same on each. */
const OF_NODE: readonly string[] = [
  ...OF_ONE_SERVER,
  'user',
  'password',
  'password1',
  'password2',
  'password3',
  'credentials',
  'database',
  'ssl',
  'localAddress',
];

const DISCOVERIES = ['auto', 'static', 'replication', 'group-replication', 'aurora', 'tidb'];

const LONGEST_MS = 24 * 3600 * 1000;

function milliseconds(defaultMs: number | undefined, about: string, min = 1): OptionSpec {
  return { kind: 'number', min, max: LONGEST_MS, default: defaultMs, about };
}

/** The options of reads. */
export const readOptionTable: Readonly<Record<string, OptionSpec>> = {
  consistency: {
    kind: 'choice',
    choices: ['eventual', 'bounded', 'session', 'strong'],
    default: 'session',
    about: 'How current the data of a replica must be for a read.',
  },
  maxLag: milliseconds(1_000, 'How far behind a replica may be and still serve bounded reads.'),
  fallback: {
    kind: 'choice',
    choices: ['writer', 'refuse'],
    default: 'writer',
    about: 'What happens to a read when no replica is fit.',
  },
  waitTimeout: milliseconds(
    1_000,
    'How long a read may wait for a replica to reach the position that the read must see; 0 = it never waits.',
    0,
  ),
};

/** The options of the monitors. */
export const monitorOptionTable: Readonly<Record<string, OptionSpec>> = {
  interval: milliseconds(1_000, 'How often the monitor checks each node.', 10),
  intervalInDoubt: milliseconds(250, 'How often it checks while something is in doubt.', 10),
  timeout: milliseconds(1_000, 'How long one check may take.', 10),
};

/** The options of the detection of dead hosts. */
export const failureDetectionTable: Readonly<Record<string, OptionSpec>> = {
  after: milliseconds(undefined, 'The cluster watches a statement that has been running for longer.'),
  interval: milliseconds(1_000, 'How often it asks the server meanwhile, and how long the server has to answer.', 10),
  count: {
    kind: 'number',
    min: 1,
    max: 1_000,
    default: 3,
    about: 'After this many questions in a row without an answer, the statement ends.',
  },
};

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The options in force.
 *
 * @throws PoolError `POOL_OPTION_INVALID`, `POOL_TLS_REQUIRED`; nothing was opened then
 */
export function resolveClusterOptions(given: ClusterOptions, environment: Environment): ResolvedClusterOptions {
  if (!isObject(given)) throw invalidUnquoted('The options', given, 'an object with nodes');
  const misplaced = OF_ONE_SERVER.find((name) => (given as unknown as Record<string, unknown>)[name] !== undefined);
  if (misplaced !== undefined) throw refused(`${misplaced} says where one server is: give it as one of the nodes.`);
  for (const [name, why] of Object.entries(CONTRADICTIONS)) {
    if ((given as unknown as Record<string, unknown>)[name] !== undefined) throw refused(`${name} is not for a cluster: ${why}.`);
  }
  refuseUnknownOptions(given, [...OF_CLUSTER, ...optionNames.filter((name) => !OF_ONE_SERVER.includes(name))]);
  const { nodes, discovery = 'auto', reads = {}, address, monitor = {}, failureDetection = false, ...shared } = given;
  if (typeof discovery !== 'string' || !DISCOVERIES.includes(discovery)) {
    throw invalid('discovery', discovery, `one of ${DISCOVERIES.map((kind) => `'${kind}'`).join(', ')}`);
  }
  if (address !== undefined && typeof address !== 'function') throw invalidUnquoted('address', address, 'a function');
  const resolved = resolveNodes(nodes, shared, environment);
  const [first] = resolved as [GivenNode, ...GivenNode[]];
  return Object.freeze({
    name: shared.name ?? first.options.endpoint.database ?? 'cluster',
    nodes: resolved,
    discovery,
    reads: group('reads', readOptionTable, reads) as unknown as ResolvedClusterOptions['reads'],
    address,
    monitor: resolveMonitor(monitor),
    failureDetection: resolveDetection(failureDetection),
    optionsAt: ({ host, port }: NodeAddress) => resolveNode(nodes[0] as string, { ...shared }, environment, { host, port }),
  });
}

function resolveNodes(nodes: unknown, shared: object, environment: Environment): readonly GivenNode[] {
  if (!Array.isArray(nodes) || nodes.length === 0)
    throw invalidUnquoted('nodes', nodes, 'a list of at least one URL, or of options that say how to reach a server');
  const resolved = nodes.map((node: unknown, index): GivenNode => {
    const options = resolveNode(node, shared, environment, undefined, `nodes[${index}]`);
    const { host, port } = options.endpoint;
    return Object.freeze({ name: nodeName(options.endpoint), address: Object.freeze({ host, port }), options });
  });
  for (const [index, node] of resolved.entries()) {
    const twin = resolved.findIndex(({ name }) => name === node.name);
    if (twin < index) throw refused(`nodes[${twin}] and nodes[${index}] have the same address, ${node.name}: name each server once.`);
    const [first] = resolved as [GivenNode];
    const [database, other] = [first.options.endpoint.database, node.options.endpoint.database];
    if (database !== other) {
      throw refused(
        `The nodes of a cluster have the same data, but nodes[0] names database ${shown(database)} and nodes[${index}] ${shown(other)}.`,
      );
    }
  }
  return Object.freeze(resolved);
}

/** @param at another address in the place of the node's own */
function resolveNode(node: unknown, shared: object, environment: Environment, at?: NodeAddress, where = 'A node'): ResolvedOptions {
  if (typeof node !== 'string' && !isObject(node)) {
    throw invalidUnquoted(where, node, 'a database URL, or options that say how to reach a server');
  }
  const said: Record<string, unknown> = typeof node === 'string' ? { uri: node } : { ...node };
  for (const name of Object.keys(said)) {
    if (OF_NODE.includes(name) || !optionNames.includes(name) || said[name] === undefined) continue;
    throw refused(`${where} says ${name}, which is the same for all nodes: give it beside nodes.`);
  }
  if (said['uri'] === undefined && said['host'] === undefined && said['socketPath'] === undefined) {
    throw refused(`${where} says no address: give a URL, or host or socketPath.`);
  }
  const { socketPath: _socket, ...elsewhere } = said;
  const target = at === undefined ? { ...shared, ...said } : { ...shared, ...elsewhere, host: at.host, port: at.port };
  // The environment's URL is one server's: it must not lend a node what the node has left out.
  const resolved = resolveOptions({ target }, 'own', { ...environment, DATABASE_URL: undefined });
  if (typeof node === 'string') refusePoolParameters(node, where);
  return { ...resolved, fleet: fleetAt(resolved), moves: true };
}

/** Each server has a budget of its own: the connections to it, of all processes. */
function fleetAt({ fleet, endpoint }: ResolvedOptions): ResolvedOptions['fleet'] {
  if (fleet === undefined) return undefined;
  if (fleet.ledger === 'database') {
    throw refused(
      "fleet.ledger: 'database' is for a pool of one server: the table of a replica takes no writes. Give the cluster's fleet a Redis.",
    );
  }
  return { ...fleet, name: `${fleet.name}@${nodeName(endpoint)}` };
}

/** Precondition: the URL was read without an error. */
function refusePoolParameters(url: string, where: string): void {
  for (const name of new URL(url.trim()).searchParams.keys()) {
    if (!optionNames.includes(name) || OF_NODE.includes(name)) continue;
    throw refused(`${where} says ${name} in its URL, which is the same for all nodes: give it beside nodes.`);
  }
}

function resolveMonitor(given: unknown): ResolvedClusterOptions['monitor'] {
  const monitor = group('monitor', monitorOptionTable, given) as unknown as ResolvedClusterOptions['monitor'];
  const { interval, intervalInDoubt } = monitor;
  // Only a value that was given can contradict another. A default gives way.
  if (intervalInDoubt <= interval) return monitor;
  if ((given as Record<string, unknown>)['intervalInDoubt'] === undefined) return { ...monitor, intervalInDoubt: interval };
  throw refused(`monitor.intervalInDoubt (${intervalInDoubt}) must not be above monitor.interval (${interval}).`);
}

function resolveDetection(given: FailureDetectionOptions | false): ResolvedClusterOptions['failureDetection'] {
  if (given === false) return undefined;
  const detection = group('failureDetection', failureDetectionTable, given) as unknown as Required<FailureDetectionOptions>;
  if (detection.after === undefined) throw refused('failureDetection needs after: how long a statement runs before its server is asked.');
  return detection;
}

function group(name: string, table: Readonly<Record<string, OptionSpec>>, given: unknown): Record<string, unknown> {
  if (!isObject(given)) throw invalidUnquoted(name, given, 'an object of options');
  const named = Object.fromEntries(Object.entries(table).map(([option, spec]) => [`${name}.${option}`, spec]));
  const values = Object.fromEntries(Object.entries(given).map(([option, value]) => [`${name}.${option}`, value]));
  refuseUnknownOptions(values, Object.keys(named));
  const resolved = Object.entries(resolveFromTable(named, values));
  return Object.freeze(Object.fromEntries(resolved.map(([option, value]) => [option.slice(name.length + 1), value])));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(database: string | undefined): string {
  return database === undefined ? 'none' : `'${database}'`;
}

function refused(message: string): PoolError {
  return new PoolError('POOL_OPTION_INVALID', message);
}
