/** The verdict on a cluster: who takes writes, which replicas are fit for reads, and where reads go when one is not. */

import type { NodeRole, NodeState, ReadOptions } from '../../cluster/index.js';
import type { Health, HealthCheck } from '../../mysql/index.js';
import { clock, counted, duration } from './words.js';

/** What is read of a server to judge its cluster. */
export interface JudgedNode {
  readonly name: string;
  /** By its own word; null: it was never heard. */
  readonly role: NodeRole | null;
  readonly state: NodeState;
  /** Why it is not 'up'. */
  readonly reason: string | null;
  /** Null: not known. */
  readonly lagMs: number | null;
  /** When it came into its state, in milliseconds since 1970. */
  readonly since: number;
}

/** What is read of a cluster to judge it: a part of the live feed. */
export interface JudgedTopology {
  readonly nodes: readonly JudgedNode[];
  readonly writer: string | null;
  readonly ambiguous: readonly string[];
  /** For how long no server takes writes, in milliseconds; 0 = one does. */
  readonly withoutWriterMs: number;
  readonly reads: Pick<Required<ReadOptions>, 'consistency' | 'maxLag' | 'fallback'>;
}

/** Sentences about so many servers are enough: the panel has all. */
const MOST_NAMED = 5;

const NUMBERS = ['no', 'one', 'two', 'three', 'four'];

/**
 * Why writes find no server, without a full stop; undefined: they find one.
 *
 * @param now to say since when; undefined: it is said elsewhere
 */
export function writerTrouble({ writer, ambiguous, withoutWriterMs }: JudgedTopology, waiting: number, now?: number): string | undefined {
  if (writer !== null) return undefined;
  if (ambiguous.length > 0) {
    const names = ambiguous.slice(0, MOST_NAMED).join(', ');
    return `${NUMBERS[ambiguous.length] ?? ambiguous.length} servers take writes: ${names}; writes are refused until one of them is read-only`;
  }
  const waiters = waiting === 0 ? '' : `; ${counted(waiting, 'caller waits', 'callers wait')}`;
  return `no server takes writes${now === undefined ? '' : ` since ${clock(now - withoutWriterMs)}`}${waiters}`;
}

/** What is wrong with replicas and what it means for reads, without a full stop; undefined: each serves reads and is within `maxLag`. */
export function readerTrouble(topology: JudgedTopology): string | undefined {
  const replicas = replicasOf(topology);
  const lagging = replicas.filter((node) => lags(node, topology));
  const out = replicas.filter(({ state }) => state !== 'up');
  const unknown = replicas.filter((node) => node.state === 'up' && node.lagMs === null && topology.reads.consistency === 'bounded');
  if (lagging.length + out.length + unknown.length === 0) return undefined;
  const words = [
    ...out.map(({ name, state }) => `${name} is ${state}`),
    ...lagging.map(({ name, lagMs }) => `${name} lags by ${duration(lagMs ?? 0)}`),
    ...unknown.map(({ name }) => `${name} does not report its lag`),
  ];
  return `${listed(words)}; ${whatReadsDo(topology, lagging)}`;
}

/** How each server is, one sentence each. */
export function sentencesOnNodes({ nodes }: JudgedTopology): readonly string[] {
  const inTrouble = nodes.filter(({ state }) => state !== 'up').slice(0, MOST_NAMED);
  return inTrouble.map(
    ({ name, state, reason, since }) => `${name} is ${state} since ${clock(since)}${reason === null ? '' : `: ${reason}`}.`,
  );
}

/** Who does what in a cluster that is well, in one sentence. */
export function allIsWell(topology: JudgedTopology): string {
  const replicas = replicasOf(topology);
  const fit = replicas.filter((node) => isFit(node, topology)).length;
  const readers =
    replicas.length === 0
      ? 'there is no replica'
      : `${fit} of ${counted(replicas.length, 'replica', 'replicas')} serve${fit === 1 ? 's' : ''} reads`;
  return `${topology.writer ?? 'No server'} takes writes; ${readers}.`;
}

/** The health of a cluster in the words of its verdict, so that `/readyz` and the page say the same. */
export function inWordsOfCluster(health: Health, topology: JudgedTopology | null, waiting: number, now: number): Health {
  if (topology === null || health.healthy) return health;
  const checks = health.checks.map((check): HealthCheck => {
    if (check.name === 'writer' && check.status === 'fail') return worded(check, writerTrouble(topology, waiting, now));
    if (check.name === 'readers' && check.status === 'warn') return worded(check, readerTrouble(topology));
    return check;
  });
  const message = checks.flatMap((check) => (check.status === 'pass' ? [] : [check.message])).join('; ');
  return { ...health, message, checks };
}

function worded(check: HealthCheck, message: string | undefined): HealthCheck {
  return message === undefined ? check : { ...check, message };
}

/** Who is named as the writer, or takes writes beside it, is no replica. */
function replicasOf({ nodes, writer }: JudgedTopology): readonly JudgedNode[] {
  return nodes.filter(({ name, role }) => name !== writer && role !== 'writer');
}

function lags({ state, lagMs }: JudgedNode, { reads: { maxLag } }: JudgedTopology): boolean {
  return state === 'up' && lagMs !== null && lagMs > maxLag;
}

/** Whether a read that asks for nothing special may go there. */
function isFit({ state, lagMs }: JudgedNode, { reads: { consistency, maxLag } }: JudgedTopology): boolean {
  return state === 'up' && consistency !== 'strong' && (consistency !== 'bounded' || (lagMs !== null && lagMs <= maxLag));
}

function whatReadsDo(topology: JudgedTopology, lagging: readonly JudgedNode[]): string {
  const { consistency, fallback } = topology.reads;
  const fit = replicasOf(topology).filter((node) => isFit(node, topology));
  if (consistency === 'strong' || fit.length === 0) return fallback === 'writer' ? readsOnWriter(topology) : 'reads are refused';
  if (fit.every((node) => lagging.includes(node))) {
    return consistency === 'eventual' ? 'reads may be that old' : `a read after a write waits, or goes to the writer`;
  }
  const current = fit.filter((node) => !lagging.includes(node));
  return `reads go to ${current.length > 2 ? `${current.length} other replicas` : current.map(({ name }) => name).join(' and ')}`;
}

function readsOnWriter({ writer, ambiguous }: JudgedTopology): string {
  if (writer !== null) return 'reads go to the writer';
  return ambiguous.length > 0 ? 'reads are refused' : 'reads wait for a writer';
}

function listed(words: readonly string[]): string {
  const more = words.length - MOST_NAMED;
  return more > 0 ? `${words.slice(0, MOST_NAMED).join(', ')} and ${more} more` : words.join(', ');
}
