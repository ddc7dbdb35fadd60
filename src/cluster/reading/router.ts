/** Decides for each read which server serves it: a replica that is as current as it must be, or the writer. */

import { type Clock, PoolError, type RandomSource } from '../../engine/index.js';
import type { HealthCheck, PoolCore, ReadingOptions } from '../../mysql/index.js';
import type { ReadOptions } from '../contract/index.js';
import { GtidSet, Position } from '../position/index.js';
import { lessLoaded } from './balance.js';
import type { WriterLook } from './catch-up.js';
import { ReadCounts, type ReadReason } from './read-counts.js';
import { type ReadableNode, ReadTarget } from './read-target.js';
import type { WriteLog } from './write-log.js';

/** This many looks at the writer are remembered, for writes that it has not named. */
const REMEMBERED_LOOKS = 10;

/** What the router needs of its cluster. */
export interface RoutedCluster {
  readonly name: string;
  readonly reads: Required<ReadOptions>;
  /** How often nodes are looked at, and how long a look may take, in milliseconds. */
  readonly monitor: { readonly interval: number; readonly timeout: number };
  readonly connectTimeout: number;
  /** The pool of connections to the writer. */
  readonly writer: PoolCore;
}

/** What one read asks for: checked, and complete. */
export interface ReadWish {
  readonly consistency: Required<ReadOptions>['consistency'];
  readonly maxLag: number | undefined;
  /** Further writes that it must see. */
  readonly after: Position | undefined;
}

/** Where a read goes. */
export type Choice =
  | { readonly target: ReadTarget /** What it must come to first. */; readonly wait: Position | undefined }
  | { readonly target: undefined; readonly reason: ReadReason };

/** Routes reads. */
export class ReadRouter {
  readonly counts = new ReadCounts();
  readonly #targets = new Map<ReadableNode, ReadTarget>();
  #list: readonly ReadTarget[] = [];
  /** The writer's last looks: what it had executed when. */
  #writerLooks: (WriterLook & { /** When it was answered, in milliseconds since the epoch. */ readonly at: number })[] = [];
  #writerText: string | undefined = undefined;

  constructor(
    readonly cluster: RoutedCluster,
    readonly writes: WriteLog,
    private readonly clock: Clock,
    private readonly random: RandomSource = Math.random,
  ) {}

  /** A look at a node has ended, or nodes have joined or left. */
  looked(nodes: readonly ReadableNode[], writer: ReadableNode | undefined): void {
    for (const [node, target] of this.#targets) {
      if (nodes.includes(node)) continue;
      this.#targets.delete(node);
      target.end();
    }
    const { connectTimeout, monitor } = this.cluster;
    const patienceMs = connectTimeout === 0 ? 2 * monitor.interval : Math.max(connectTimeout - 2 * monitor.interval, 1);
    for (const node of nodes) {
      let target = this.#targets.get(node);
      if (target === undefined) {
        // What it has not, others may have been found to have, so that it is not asked for any more.
        target = new ReadTarget(node, this.clock, this.#writerLooks.length > 0);
        this.#targets.set(node, target);
      }
      target.looked(patienceMs, this.#writerLooks.at(-1));
    }
    this.#list = [...this.#targets.values()];
    this.#noteWriter(writer);
  }

  end(): void {
    for (const target of this.#list) target.end();
  }

  /** @throws PoolError `POOL_OPTION_INVALID` */
  wishOf(reading: ReadingOptions | undefined): ReadWish {
    const { reads } = this.cluster;
    if (reading === undefined)
      return { consistency: reads.consistency, maxLag: lagOf(reads.consistency, undefined, reads), after: undefined };
    const { route, maxLag, after } = reading;
    const consistency = route === 'writer' ? 'strong' : (reading.consistency ?? (maxLag === undefined ? reads.consistency : 'bounded'));
    return { consistency, maxLag: lagOf(consistency, maxLag, reads), after: after === undefined ? undefined : Position.parse(after) };
  }

  /**
   * @param required what the read must see, of {@link requiredBy}
   * @param excluded nodes that have failed it already
   */
  choose(wish: ReadWish, required: Position | undefined, excluded: ReadonlySet<ReadTarget> | undefined): Choice {
    if (wish.consistency === 'strong') return { target: undefined, reason: 'writer:strong' };
    let fit = this.#list.filter((target) => target.isUp && excluded?.has(target) !== true);
    if (wish.consistency !== 'eventual') fit = fit.filter((target) => target.replicates);
    if (fit.length === 0) return { target: undefined, reason: 'writer:no-reader' };
    const { maxLag } = wish;
    if (maxLag !== undefined) fit = fit.filter((target) => target.isWithin(maxLag, this.cluster.monitor.interval));
    if (fit.length === 0) return { target: undefined, reason: 'writer:lag' };
    if (required === undefined || required.isEmpty) return { target: lessLoaded(fit, this.random), wait: undefined };
    return this.#chooseAfter(required, fit);
  }

  /** What a read must see that is asked for now. */
  requiredBy({ consistency, after }: ReadWish): Position | undefined {
    if (consistency === 'eventual' || consistency === 'strong') return undefined;
    if (consistency === 'bounded') return after;
    const { position } = this.writes;
    if (after === undefined) return position;
    const both = position.copy();
    both.merge(after);
    return both;
  }

  /** @throws nothing: the error is to be given to the caller */
  refusal(reason: ReadReason): PoolError | undefined {
    if (this.cluster.reads.fallback === 'writer' || reason === 'writer:strong') return undefined;
    this.counts.add('refused');
    const nodes = this.#list.filter(isNoWriter).map((target) => conditionOf(target));
    const why = nodes.length === 0 ? 'it has none' : nodes.join('; ');
    const message = `No replica of '${this.cluster.name}' is fit for this read, and reads.fallback is 'refuse': ${why}.`;
    return new PoolError('POOL_NO_READER', message);
  }

  /** For the health of the cluster: whether reads find a replica. */
  check(): HealthCheck {
    // Those that take the reads which ask for nothing special.
    const { consistency, maxLag } = this.cluster.reads;
    const mostLag = consistency === 'bounded' ? maxLag : Number.POSITIVE_INFINITY;
    const up = this.#list.filter((target) => target.isUp && target.replicates && target.lagMs <= mostLag).length;
    const readers = this.#list.filter(isNoWriter);
    if (up > 0) return { name: 'readers', status: 'pass', message: `${up} of ${readers.length} replicas are fit` };
    const why = readers.length === 0 ? 'there is none' : readers.map((target) => conditionOf(target)).join('; ');
    return { name: 'readers', status: 'warn', message: `no replica is fit: ${why}` };
  }

  #chooseAfter(required: Position, fit: readonly ReadTarget[]): Choice {
    const current = fit.filter(({ seesAllCommits }) => seesAllCommits);
    if (current.length > 0) return { target: lessLoaded(current, this.random), wait: undefined };
    const able = fit.filter((target) => this.#hasUnnamed(target, required));
    const there = able.filter((target) => !required.hasNamed || (target.commitsInOrder && target.hasNamed(required)));
    if (there.length > 0) return { target: lessLoaded(there, this.random), wait: undefined };
    const coming = able.filter((target) => target.commitsInOrder && !target.cannotWait);
    if (coming.length === 0 || this.cluster.reads.waitTimeout === 0) return { target: undefined, reason: 'writer:position' };
    // It grows while the read waits.
    return { target: lessLoaded(coming, this.random), wait: required.copy() };
  }

  /** Whether a node has what was written without a name. */
  #hasUnnamed(target: ReadTarget, { writtenAt }: Position): boolean {
    if (writtenAt === undefined) return true;
    const { maxLag } = this.cluster.reads;
    const { readAt } = target.node.watch;
    const { executed } = target;
    if (executed === undefined || !target.commitsInOrder) {
      // It was little behind when it was looked at, long enough after the write.
      return this.#epochOf(readAt) >= writtenAt + maxLag + this.cluster.monitor.timeout && target.lagMs <= maxLag;
    }
    const look = this.#writerLooks.find(({ at }) => at - this.cluster.monitor.timeout >= writtenAt);
    return look !== undefined && executed.covers(look.executed);
  }

  #noteWriter(writer: ReadableNode | undefined): void {
    const { reading } = writer ?? {};
    // The look that has just heard that it is the writer now is still under way: what the last one said, it said as a replica.
    if (writer === undefined || reading?.role !== 'writer') return;
    this.writes.writerId = reading.serverId;
    this.writes.hasGtids = reading.executed !== undefined;
    const at = this.#epochOf(writer.watch.readAt);
    const { askedAt } = writer.watch;
    if (reading.executed === undefined || askedAt === this.#writerLooks.at(-1)?.askedAt) return;
    const executed = reading.executed === this.#writerText ? this.#writerLooks.at(-1)?.executed : GtidSet.parse(reading.executed);
    this.#writerText = reading.executed;
    if (executed === undefined) return;
    const { serverId } = reading;
    this.#writerLooks = [...this.#writerLooks.slice(1 - REMEMBERED_LOOKS), { serverId, executed, askedAt, at }];
    this.#forgetWhatAllHave();
  }

  /** No read needs to wait for what every node has. */
  #forgetWhatAllHave(): void {
    const { all } = this.writes;
    if (all.isEmpty) return;
    const readers = this.#list.filter(isNoWriter);
    const sets = readers.map(({ executed, commitsInOrder }) => (commitsInOrder ? executed : undefined));
    if (readers.length === 0 || sets.includes(undefined)) return;
    all.forgetWhatIsIn(sets as GtidSet[]);
    const { writtenAt } = all;
    if (writtenAt !== undefined && readers.every((target) => this.#hasUnnamed(target, all))) all.forgetUnnamedUntil(writtenAt);
  }

  /** A moment of the cluster's clock, in milliseconds since the epoch. */
  #epochOf(at: number): number {
    return Date.now() - (this.clock.now() - at);
  }
}

function lagOf(consistency: ReadWish['consistency'], asked: number | undefined, { maxLag }: Required<ReadOptions>): number | undefined {
  if (consistency === 'eventual' || consistency === 'strong') return undefined;
  return asked ?? (consistency === 'bounded' ? maxLag : undefined);
}

/** It may serve reads, or has not answered yet. */
function isNoWriter(target: ReadTarget): boolean {
  return target.isReader || target.node.reading === undefined;
}

function conditionOf({ node, lagMs, replicates }: ReadTarget): string {
  if (node.state !== 'up') return `${node.name} is ${node.state} (${node.watch.reason ?? 'for an unknown reason'})`;
  if (node.reading?.replicating === undefined)
    return `${node.name} may not report whether it replicates: ${node.reading?.complaints[0] ?? ''}`;
  if (!replicates) return `${node.name} does not replicate`;
  return Number.isFinite(lagMs) ? `${node.name} is ${Math.round(lagMs)} ms behind` : `${node.name} does not report how far it is behind`;
}
