/** The cluster: a pool that follows the writer, with its replicas for reads. */

import { type DrainOptions, type DrainReport, type DurationCounts, type PoolEvents, systemClock } from '../../engine/index.js';
import { callListener, inThisContext } from '../../engine/waiting/index.js';
import {
  type BorrowOptions,
  checkedReading,
  coreOf,
  type Health,
  type HealthCheck,
  Pool,
  type PoolConnection,
  type PoolSteering,
  type ReadingOptions,
  readingRefused,
  type ResolvedOptions,
  type StatementPool,
  steer,
  type Transaction,
  type TransactionOptions,
} from '../../mysql/index.js';
import type { DiscoveryKind, ResolvedClusterOptions, Topology, TopologyChange } from '../contract/index.js';
import { type ClusterNode, type DetectedNode, FailureDetector, type MakeLooker, Roster, ServerLooker } from '../monitoring/index.js';
import { drainedTogether, Reader, ReadRouter, type ReadStats, WriteLog } from '../reading/index.js';
import { TopologyLog } from './topology-log.js';
import { WriterFollower } from './writer-follower.js';

/** What the cluster counts, for metrics. Counters only grow. */
export interface ClusterStats {
  /** How often another server became the writer. */
  readonly writerChanges: number;
  /** For how long no server takes writes, in milliseconds; 0 = one does. */
  readonly withoutWriterMs: number;
  readonly topology: Topology;
}

/** What a cluster emits beside what any pool does. */
export interface ClusterEvents extends PoolEvents {
  /** Another writer, none, or several; a node that joined, left or came into another state. */
  topologyChanged: [TopologyChange];
}

/**
 * A writer and its replicas. The cluster itself is a {@link Pool} of connections to the writer, which may be another server tomorrow: while there is none, its
 * callers wait within their own deadlines.
 *
 * @example
 * ```ts
 * const db = createCluster({ nodes: ['mysql://app:secret@a/shop', 'mysql://app:secret@b/shop'] });
 * await db.query('UPDATE stock SET left = left - 1 WHERE id = ?', [7]);
 * ```
 */
export class Cluster extends Pool {
  /** Reads, on replicas: a pool for all that takes a pool. */
  readonly reader: Reader;
  readonly #writes: WriteLog;
  readonly #router: ReadRouter;
  readonly #steering: PoolSteering;
  readonly #options: ResolvedClusterOptions;
  readonly #roster: Roster;
  readonly #follower: WriterFollower;
  readonly #log: TopologyLog;
  readonly #detector: FailureDetector | undefined;
  readonly #listeners = new Set<() => void>();
  #ending: Promise<void> | undefined = undefined;

  /** @param makeLooker in the place of what looks at servers, for tests */
  constructor(options: ResolvedClusterOptions, pool: ResolvedOptions, makeLooker?: MakeLooker) {
    const writes = new WriteLog();
    super({ ...pool, role: 'writer', moves: true, commits: writes });
    this.#options = options;
    this.#steering = steer(this);
    this.#writes = writes;
    const { connectTimeout } = pool.atStart;
    this.#router = new ReadRouter(
      { name: this.name, reads: options.reads, monitor: options.monitor, connectTimeout, writer: coreOf(this) },
      writes,
      systemClock,
    );
    this.reader = new Reader(pool, this.#router, systemClock, () => this.nodePools);
    coreOf(this).router = { lenderFor: (reading) => this.#lenderFor(reading) };
    this.#log = new TopologyLog();
    this.#roster = new Roster(options, systemClock, makeLooker ?? ((node) => new ServerLooker(node, options.discovery)), {
      looked: (changed) => this.#looked(changed),
      withoutWriterMs: () => (this.#follower.writer === undefined ? this.#follower.withoutWriterMs : undefined),
      joined: (node) => this.#log.add('node-joined', `${node.name} joined the cluster`),
      left: (node) => this.#log.add('node-left', `${node.name} left the cluster`),
    });
    this.#follower = new WriterFollower(this.#steering, systemClock, (what, message) => this.#log.add(what, message));
    this.#steering.onDoubt(({ kind, message }) => {
      const node = this.writer;
      node?.watch.doubt(kind === 'refused' ? `it refused work: ${message}` : `a connection failed: ${message}`, kind === 'refused');
    });
    super.watch('stateChanged', ({ to }) => {
      if (to === 'closed') void this.#stop();
    });
    const { failureDetection } = options;
    this.#detector =
      failureDetection === undefined ? undefined : new FailureDetector(failureDetection, systemClock, () => this.#detected());
    this.#detector?.start();
    this.#roster.start();
  }

  /**
   * Runs `work` as a scope of its own: the session reads in it see the writes that are made in it, and wait for no other's. Outside of any scope a
   * session read sees all that this process has written before it, through this cluster.
   *
   * @example
   * ```ts
   * app.use((request, response, next) => db.scope(next));
   * ```
   */
  scope<T>(work: () => T): T {
    return this.#writes.run(work);
  }

  /**
   * How far the writes of this scope have come, or of this process outside of any, as a string of at most a few hundred characters. A read with
   * `after` sees them, in any process: "saved, and the next request reads". Empty: nothing was written, or every node has it.
   *
   * @example
   * ```ts
   * await db.query('INSERT INTO orders …');
   * response.cookie('position', db.position());
   * // The next request, perhaps in another process:
   * await db.reader.query({ sql: 'SELECT … FROM orders', after: request.cookies.position });
   * ```
   */
  position(): string {
    return this.#writes.position.toString();
  }

  /**
   * Borrows a connection to the writer; with `route: 'reader'`, to a node that is fit, as `db.reader.getConnection`.
   *
   * @throws as a pool's `getConnection`
   */
  override getConnection(options?: BorrowOptions & ReadingOptions): Promise<PoolConnection> {
    if (options?.route === 'reader') return this.reader.getConnection(options);
    try {
      return super.getConnection(this.#writersOptions(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Runs a transaction on the writer, reads and all; with `route: 'reader'`, one that only reads, as `db.reader.transaction`. */
  override async transaction<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions & ReadingOptions = {}): Promise<T> {
    if (options.route === 'reader') return await this.reader.transaction(work, options);
    return await super.transaction(work, this.#writersOptions(options));
  }

  /** Where reads went, and why. */
  readStats(): ReadStats {
    return this.#router.counts.snapshot();
  }

  /** A frozen picture of the nodes now. */
  topology(): Topology {
    const { writer, ambiguous } = this.#follower;
    return Object.freeze({
      name: this.name,
      discovery: this.#discovery,
      nodes: Object.freeze(this.nodes.map((node) => node.picture())),
      writer: writer?.name,
      ambiguous: Object.freeze([...ambiguous]),
      complaints: Object.freeze([...this.#roster.complaints]),
      changes: this.#log.changes,
    });
  }

  /** What the cluster counts, for metrics. */
  clusterStats(): ClusterStats {
    const { changes, withoutWriterMs } = this.#follower;
    return Object.freeze({ writerChanges: changes, withoutWriterMs, topology: this.topology() });
  }

  /** @internal The pools over which nodes are read: those that were needed until now. */
  get nodePools(): readonly Pool[] {
    return this.nodes.flatMap(({ openReadPool }) => openReadPool ?? []);
  }

  /** @internal How long reads waited for positions, counted up to each bound, in milliseconds. */
  readWaitCounts(boundsMs: readonly number[]): DurationCounts {
    return this.#router.counts.waits.countsUpTo(boundsMs);
  }

  /** @internal The nodes now. */
  get nodes(): readonly ClusterNode[] {
    return this.#roster.nodes;
  }

  /** @internal The node to which writes go now. */
  get writer(): ClusterNode | undefined {
    const { writer } = this.#follower;
    return this.nodes.find((node) => node === writer);
  }

  /** @internal The options in force. */
  get clusterOptions(): ResolvedClusterOptions {
    return this.#options;
  }

  /** @internal Calls back after each change of a node's state, reading or role, of the writer, and of who is in the cluster. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Listens to what happens, as a pool's `watch` does, and to 'topologyChanged'. Returns a function that stops. */
  override watch(event: 'topologyChanged', listener: (change: TopologyChange) => void): () => void;
  override watch(...parameters: Parameters<Pool['watch']>): () => void;
  override watch<K extends keyof PoolEvents>(event: K, listener: (detail: PoolEvents[K][0]) => void): () => void;
  override watch(event: keyof ClusterEvents | 'breakerChanged' | 'fleetChanged', listener: (detail: never) => void): () => void {
    if (event === 'topologyChanged') return this.#log.listen(inThisContext(listener as (change: TopologyChange) => void));
    return super.watch(event as 'opened', listener as never);
  }

  override health(options: { readonly deep?: boolean } = {}): Promise<Health> {
    // A cluster of one node has no replicas to miss.
    const ofReaders = this.nodes.length > 1 ? [this.#router.check()] : [];
    return this.#steering.health(options.deep === true, [...this.#checks(), ...ofReaders]);
  }

  override async drain(options?: DrainOptions): Promise<DrainReport> {
    const reports = await Promise.all([super.drain(options), this.reader.drain(options)]);
    await this.#stop();
    return drainedTogether(reports);
  }

  override async end(): Promise<void> {
    await super.end();
    await this.#stop();
  }

  #looked(changed: boolean): void {
    if (this.#ending !== undefined) return;
    this.#roster.review();
    this.#follower.review(this.nodes);
    this.#roster.chosen();
    this.#router.looked(this.nodes, this.writer);
    if (changed) this.#log.noteStates(this.nodes);
    if (changed) for (const listener of this.#listeners) callListener(listener, undefined);
  }

  /** @throws PoolError `POOL_OPTION_INVALID` */
  #lenderFor(reading: ReadingOptions): StatementPool {
    if (reading.route === 'reader') return coreOf(this.reader).lenderFor(reading);
    refuseOnWriter(reading);
    return coreOf(this);
  }

  /** @throws PoolError `POOL_OPTION_INVALID` */
  #writersOptions<O extends object>(options: (O & ReadingOptions) | undefined): O | undefined {
    const reading = typeof options === 'object' && options !== null ? checkedReading(options) : undefined;
    if (reading === undefined || options === undefined) return options;
    refuseOnWriter(reading);
    const { route: _route, consistency: _consistency, after: _after, ...rest } = options;
    return rest as unknown as O;
  }

  /** With 'auto', what the writer says, or another node while there is none. */
  get #discovery(): DiscoveryKind {
    const { discovery } = this.#options;
    if (discovery !== 'auto') return discovery;
    return (this.writer ?? this.nodes.find(({ reading }) => reading !== undefined))?.reading?.kind ?? 'static';
  }

  #checks(): readonly HealthCheck[] {
    const { writer, ambiguous, withoutWriterMs } = this.#follower;
    if (writer !== undefined) {
      const { state, reason } = writer.watch;
      const message = `the writer is ${writer.name}`;
      return [
        state === 'up'
          ? { name: 'writer', status: 'pass', message }
          : { name: 'writer', status: 'warn', message: `${message}, and in doubt: ${reason}` },
      ];
    }
    const what = ambiguous.length > 0 ? `${ambiguous.length} servers take writes: ${ambiguous.join(', ')}` : 'no server takes writes';
    return [{ name: 'writer', status: 'fail', message: `${what}, since ${(withoutWriterMs / 1000).toFixed(1)} s` }];
  }

  #detected(): readonly DetectedNode[] {
    return this.nodes.flatMap(({ name, looker, openReadPool }): DetectedNode[] => {
      const writes = name === this.writer?.name ? [{ name, looker, pool: this.#steering }] : [];
      return openReadPool === undefined ? writes : [...writes, { name, looker, pool: steer(openReadPool) }];
    });
  }

  #stop(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#detector?.end();
    this.#router.end();
    await Promise.all([this.#roster.end(), this.reader.end()]);
  }
}

/** The writer has all that any read may ask for: what limits a read belongs to the readers. @throws PoolError `POOL_OPTION_INVALID` */
function refuseOnWriter({ route, consistency, maxLag }: ReadingOptions): void {
  if (maxLag !== undefined || (route === undefined && consistency !== 'strong'))
    throw readingRefused("this one goes to the writer: add route: 'reader', or ask db.reader.");
}
