/** One server of a cluster: what is known of it, and the pool over which it is read. */

import type { Clock } from '../../engine/index.js';
import { isPermanentConnectError, makePool, type Pool, type ResolvedOptions, type ServerError, steer } from '../../mysql/index.js';
import type { NodeAddress, NodeReading, NodeState, ResolvedClusterOptions, TopologyNode } from '../contract/index.js';
import type { Looker } from './looker.js';
import { NodeWatch, type WatchOwner } from './node-watch.js';

/** What makes a node. */
export interface NodeParts {
  readonly name: string;
  readonly address: NodeAddress;
  /** Given in the options, not discovered. */
  readonly given: boolean;
  readonly options: ResolvedOptions;
  readonly looker: Looker;
}

/** Of a server or a transaction that is read-only: on a replica that is the caller's mistake, and says nothing about the server. */
const REFUSED_WRITES: ReadonlySet<number> = new Set([1290, 1792, 1836, 1874]);

function isRefusedWrite(errno: number): boolean {
  return REFUSED_WRITES.has(errno);
}

/** One server of a cluster. */
export class ClusterNode {
  /** `host:port`, as labels and messages name it. */
  readonly name: string;
  readonly address: NodeAddress;
  /** It was given in the options, not discovered. */
  readonly given: boolean;
  /** The options of connections to it. */
  readonly options: ResolvedOptions;
  readonly looker: Looker;
  readonly watch: NodeWatch;
  /** The node that is the same server under another address, and counts in its place. */
  twin: ClusterNode | undefined = undefined;
  readonly #poolName: string;
  #readPool: Pool | undefined = undefined;

  constructor(
    { name, address, given, options, looker }: NodeParts,
    cluster: Pick<ResolvedClusterOptions, 'name' | 'monitor'>,
    clock: Clock,
    owner: WatchOwner,
  ) {
    this.name = name;
    this.address = address;
    this.given = given;
    this.options = options;
    this.looker = looker;
    this.watch = new NodeWatch(looker, cluster.monitor, clock, owner);
    this.#poolName = `${cluster.name}/reader@${name}`;
  }

  /** Whether it may serve, as far as is known. */
  get state(): NodeState {
    return this.watch.state;
  }

  /** What it said last. */
  get reading(): NodeReading | undefined {
    return this.watch.reading;
  }

  /** What the server answers to every login, until the account is changed there. */
  get lockedOutBy(): ServerError | undefined {
    const { refusal } = this.watch;
    if (refusal === undefined) return undefined;
    const answer = this.options.classifyError?.(refusal);
    return (answer === undefined ? isPermanentConnectError(refusal) : answer === 'connect-permanent') ? refusal : undefined;
  }

  get latencyMs(): number | undefined {
    return this.watch.latencyMs;
  }

  /** How busy its pool for reads is: leases and waiters in relation to the limit; 0 without a pool. */
  get load(): number {
    if (this.#readPool === undefined) return 0;
    const { used, waiting, limit } = this.#readPool.summary();
    return (used + waiting) / limit;
  }

  /** The pool over which it is read, if there is one. */
  get openReadPool(): Pool | undefined {
    return this.#readPool;
  }

  /** The pool over which it is read; made when it is first needed, and after it was ended. */
  readPool(): Pool {
    this.#readPool ??= this.#makeReadPool();
    return this.#readPool;
  }

  #makeReadPool(): Pool {
    const { atStart } = this.options;
    const pool = makePool({
      ...this.options,
      role: 'any',
      moves: false,
      cache: undefined,
      classifyError: (error) => this.options.classifyError?.(error) ?? (isRefusedWrite(error.errno) ? 'work-failed' : undefined),
      atStart: { ...atStart, name: this.#poolName, minIdle: 0 },
    });
    steer(pool).onDoubt(({ kind, message }) => {
      // A statement that writes is refused by a replica that is well.
      if (kind !== 'refused') this.doubt(`a connection failed: ${message}`);
    });
    return pool;
  }

  /** Something that its users saw makes it doubtful: it is looked at now. */
  doubt(reason: string): void {
    this.watch.doubt(reason, false);
  }

  picture(): TopologyNode {
    const { state, reason, since, reading, latencyMs } = this.watch;
    return Object.freeze({
      ...this.address,
      name: this.name,
      serverId: reading?.serverId,
      role: reading?.role,
      state,
      reason,
      lagMs: reading?.lagMs,
      latencyMs,
      since,
    });
  }
}
