/** The doctor's examination of a cluster: node by node, then what they are to each other. */

import type { Peer } from '../../cluster/contract/index.js';
import { messageOf } from '../../engine/index.js';
import { type ResolvedOptions, resolveOptions } from '../../mysql/index.js';
import { type Diagnosis, type Observer, wholeStatus } from '../doctor/index.js';
import { examineNode } from './examine-node.js';
import type { ClusterFinding, ClusterStep, ExaminedNode, Report } from './steps.js';

export interface ClusterDoctorSettings {
  /** A URL for each node. What one leaves out, the account and the database, is taken from DATABASE_URL. */
  readonly targets: readonly string[];
  /** For each answer of a node. */
  readonly timeoutMs: number;
  readonly environment: Readonly<NodeJS.ProcessEnv>;
}

/** Looks at each node, one after the other, and at what they say of each other. It rejects only for a fault of its own. */
export async function examineCluster(settings: ClusterDoctorSettings, observer: Observer<ClusterStep>): Promise<Diagnosis<ClusterStep>> {
  const findings: ClusterFinding[] = [];
  const report: Report = (finding) => {
    findings.push(finding);
    observer.found(finding);
  };
  const nodes: ExaminedNode[] = [];
  const names = new Set<string>();
  for (const target of settings.targets) {
    const options = optionsOf(target, settings, report);
    if (options === undefined) continue;
    const name = `${options.endpoint.host}:${options.endpoint.port}`;
    observer.begins(`asking ${name}, at most ${settings.timeoutMs} ms for each answer`);
    if (names.has(name)) {
      report({
        step: 'address',
        node: name,
        status: 'fail',
        message: 'it is in the list twice',
        advice: 'createCluster refuses it: name each server once.',
      });
      continue;
    }
    names.add(name);
    const node = await examineNode(name, options, settings.timeoutMs, report);
    if (node !== undefined) nodes.push(node);
  }
  const distinct = withoutTwins(nodes, report);
  if (distinct.length > 1) examineMembers(distinct, report);
  examineWriter(distinct, names.size - nodes.length, report);
  return { status: wholeStatus(findings), findings, notTried: [], recommendations: [] };
}

function optionsOf(target: string, { timeoutMs, environment }: ClusterDoctorSettings, report: Report): ResolvedOptions | undefined {
  try {
    const url = completed(target, environment['DATABASE_URL']);
    return resolveOptions({ target: url, options: { connectTimeout: timeoutMs, minIdle: 0 } }, 'own', environment);
  } catch (error) {
    report({
      step: 'node',
      status: 'fail',
      message: messageOf(error),
      advice: 'Give a URL for each node, such as mysql://b.example.com:3306.',
    });
    return undefined;
  }
}

/** The node's URL with the account, the database and the parameters of the other one, where it has none. */
function completed(target: string, model: string | undefined): string {
  if (model === undefined || model === '') return target;
  const url = new URL(target);
  const from = new URL(model);
  if (url.username === '') [url.username, url.password] = [from.username, from.password];
  if (url.pathname === '' || url.pathname === '/') url.pathname = from.pathname;
  if (url.search === '') url.search = from.search;
  return url.href;
}

/** One server must not count twice. */
function withoutTwins(nodes: readonly ExaminedNode[], report: Report): readonly ExaminedNode[] {
  const first = new Map<string, ExaminedNode>();
  for (const node of nodes) {
    const twin = first.get(node.reading.serverId);
    if (twin === undefined) first.set(node.reading.serverId, node);
    else {
      report({
        step: 'address',
        node: node.name,
        status: 'fail',
        message: `it is the same server as ${twin.name}`,
        advice:
          'Name each server once. If these are two servers, one is a copy of the other: give the copy its own identity (MySQL: remove auto.cnf; MariaDB: server_id).',
      });
    }
  }
  return [...first.values()];
}

/** Whether replication links the nodes, as they say themselves. */
function examineMembers(nodes: readonly ExaminedNode[], report: Report): void {
  if (nodes.every(({ reading }) => reading.peers.length === 0)) {
    report({
      step: 'members',
      status: 'warn',
      message: 'no node names another node, so it is not known whether they belong to one cluster',
      advice: 'Give the missing grants, and set report_host on MariaDB.',
    });
    return;
  }
  const strangers = nodes.filter((node) => !nodes.some((other) => other !== node && areLinked(node, other)));
  for (const { name } of strangers) {
    report({
      step: 'members',
      node: name,
      status: 'fail',
      message: 'it does not belong to this cluster: no replication links it with the other nodes',
      advice: 'Remove it from the nodes. If the servers know each other by different addresses, name it as they do (report_host).',
    });
  }
  if (strangers.length === 0) report({ step: 'members', status: 'ok', message: `replication links all ${nodes.length} nodes` });
}

function areLinked(one: ExaminedNode, other: ExaminedNode): boolean {
  const peers = other.reading.peers;
  return (
    one.reading.peers.some((peer) => isPeer(peer, other) || peers.some((its) => isSame(peer, its))) ||
    peers.some((peer) => isPeer(peer, one))
  );
}

function isPeer({ serverId, host, port }: Peer, { address, reading }: ExaminedNode): boolean {
  return serverId === undefined ? host === address.host && port === address.port : serverId === reading.serverId;
}

function isSame(one: Peer, other: Peer): boolean {
  if (one.serverId !== undefined && other.serverId !== undefined) return one.serverId === other.serverId;
  return one.host === other.host && one.port === other.port;
}

/** @param unheard how many of the nodes that were named did not answer */
function examineWriter(nodes: readonly ExaminedNode[], unheard: number, report: Report): void {
  const writers = nodes.filter(({ reading }) => reading.role === 'writer').map(({ name }) => name);
  const [writer] = writers;
  if (writer === undefined) {
    report({
      step: 'writer',
      status: 'fail',
      message: `no node takes writes${unheard === 0 ? '' : `; ${unheard} did not answer`}`,
      advice:
        'Writes wait for a writer within their own deadlines. Promote one server: it must not be read-only (read_only, super_read_only).',
    });
  } else if (writers.length === 1) {
    report({ step: 'writer', status: 'ok', message: `${writer} is the writer` });
  } else {
    report({
      step: 'writer',
      status: 'fail',
      message: `${writers.length} servers take writes: ${writers.join(', ')}`,
      advice:
        'createCluster refuses writes (POOL_WRITER_AMBIGUOUS) until all but one are read-only: SET GLOBAL super_read_only = ON; (MariaDB: read_only).',
    });
  }
}
