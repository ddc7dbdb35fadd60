/** A node as reads see it: whether it is up, how current it is, how busy it is. */

import type { Clock, Timer } from '../../engine/index.js';
import { coreOf, type PoolCore } from '../../mysql/index.js';
import type { NodeReading, NodeState } from '../contract/index.js';
import { GtidSet, Position } from '../position/index.js';
import { CatchUp, type WriterLook } from './catch-up.js';

/** What is needed of a node. */
export interface ReadableNode {
  readonly name: string;
  readonly state: NodeState;
  readonly reading: NodeReading | undefined;
  readonly latencyMs: number | undefined;
  /** Its state, the reason for it, and when it was asked and said what it said last, by the cluster's clock. */
  readonly watch: { readonly reason: string | undefined; readonly askedAt: number; readonly readAt: number };
  readPool(): Parameters<typeof coreOf>[0];
  doubt(reason: string): void;
}

/** A node that comes back gets its full share of reads after so long: its caches are cold. */
const SLOW_START_MS = 10_000;
/** Its share at first. */
const LEAST_SHARE = 0.1;

/** The waits of reads for connections of a node: each is called when the node is no longer to be waited for. */
export type Leave = (why: string) => void;

/** One node, for reads. */
export class ReadTarget {
  /** Waits for it to come to a position, and for its connections. */
  readonly waiting = new Set<Leave>();
  /** The server does not know how to wait for a position. */
  cannotWait = false;
  /** What it has come to, of that which its last look does not show. */
  #known = Position.none();
  #reachedAt = Number.NEGATIVE_INFINITY;
  /** What it had come to before its last look: the next one must show it. */
  #owed = Position.none();
  #readAt = Number.NEGATIVE_INFINITY;
  #executed: GtidSet | undefined = undefined;
  #executedText: string | undefined = undefined;
  #core: PoolCore | undefined = undefined;
  #isAway = false;
  #upSince = Number.NEGATIVE_INFINITY;
  #wasUp: boolean | undefined = undefined;
  #isLate: boolean;
  #leaveTimer: Timer | undefined = undefined;
  /** Until it is over, it may lack writes that are not asked for any more, as every node was seen to have them. */
  readonly #joining = new CatchUp();
  /** Until it is over, it may not have heard yet of what was committed while it was away: its word on how far it is behind does not count. */
  readonly #returning = new CatchUp();

  /** @param joins it comes later than the others */
  constructor(
    readonly node: ReadableNode,
    private readonly clock: Clock,
    joins: boolean,
  ) {
    this.#isLate = joins;
    if (joins) this.#joining.require(clock.now());
  }

  /**
   * The node was looked at.
   *
   * @param patienceMs how long its statements may still run once it is not up
   * @param writer the last look at the writer, if it has GTIDs
   */
  looked(patienceMs: number, writer: WriterLook | undefined): void {
    const { reading, state, watch } = this.node;
    const isUp = state === 'up';
    if (watch.readAt !== this.#readAt) this.#noteExecuted(reading?.executed);
    if (!isUp) this.#forgetKnown();
    this.#noteAbsence(isUp && reading?.replicating === true);
    this.#joining.looked(this.#executed, writer);
    this.#returning.looked(this.#executed, writer);
    if (isUp === this.#wasUp && state !== 'down') return;
    this.#wasUp = isUp;
    // The first nodes of a cluster are as warm as they will get; one that comes back or joins later is not.
    if (isUp && this.#isLate) this.#upSince = this.clock.now();
    this.#isLate ||= isUp;
    if (isUp) this.#leaveTimer?.cancel();
    else this.#leave(state === 'down' ? 0 : patienceMs);
  }

  /** It takes reads, however far it is behind. */
  get isUp(): boolean {
    return this.node.state === 'up' && this.isReader && (this.#core?.breakers.lending ?? true);
  }

  /** It serves reads when it is well: a replica, and each server where each takes writes. */
  get isReader(): boolean {
    return this.node.reading?.role === 'reader' || this.seesAllCommits;
  }

  /** It sees all that was committed on any server of its cluster. */
  get seesAllCommits(): boolean {
    return this.node.reading?.everyServerWrites === true;
  }

  /** It follows the writer, and has come to where it may be trusted. */
  get replicates(): boolean {
    return this.node.reading?.replicating === true && this.#joining.isOver;
  }

  /** Milliseconds behind the writer, as far as it says. */
  get lagMs(): number {
    return this.node.reading?.lagMs ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Whether it is at most so far behind when it is as far as it was, and at most one interval more when it has come no further since. A process
   * that was stalled has not looked for longer than an interval.
   */
  isWithin(maxLagMs: number, intervalMs: number): boolean {
    const sinceMs = this.clock.now() - this.node.watch.askedAt;
    return this.#returning.isOver && this.lagMs <= maxLagMs && this.lagMs + sinceMs <= maxLagMs + intervalMs;
  }

  /** What it has executed, when it was looked at last. */
  get executed(): GtidSet | undefined {
    return this.#executed;
  }

  /** Whether what it has last proves that it has all before it. */
  get commitsInOrder(): boolean {
    return this.node.reading?.commitsInOrder === true && this.#executed !== undefined;
  }

  /** By the last look, or by an earlier wait. */
  hasNamed(position: Position): boolean {
    return this.#executed !== undefined && (position.isIn(this.#executed) || this.#known.coversNamed(position));
  }

  /** It has come to a position. */
  reached(position: Position): void {
    this.#known.merge(position);
    this.#reachedAt = this.clock.now();
  }

  get core(): PoolCore {
    const core = coreOf(this.node.readPool());
    this.#core = core;
    return core;
  }

  /** Leases and waiters in relation to the limit. */
  get load(): number {
    if (this.#core === undefined) return 0;
    const { engine } = this.#core;
    return (engine.used + engine.waiting) / engine.limit;
  }

  /** Its share of reads: 1, or less while it comes back. */
  get share(): number {
    return Math.min(1, Math.max(LEAST_SHARE, (this.clock.now() - this.#upSince) / SLOW_START_MS));
  }

  /** It is no node any more. */
  end(): void {
    this.#leaveTimer?.cancel();
    this.#moveWaiting('it left the cluster');
  }

  #noteExecuted(text: string | undefined): void {
    const { askedAt, readAt } = this.node.watch;
    this.#readAt = readAt;
    const before = this.#executed;
    if (text !== this.#executedText) this.#executed = text === undefined ? undefined : GtidSet.parse(text);
    this.#executedText = text;
    const executed = this.#executed;
    if (executed === undefined) return;
    const hasKept = (before === undefined || executed.covers(before)) && this.#owed.isIn(executed);
    const shouldShowAll = this.#reachedAt <= askedAt;
    if (hasKept && (!shouldShowAll || this.#known.isIn(executed))) {
      this.#known.forgetWhatIsIn([executed]);
      this.#owed = this.#known.copy();
      return;
    }
    // Restored from a backup, for example: what it was known to have is gone.
    this.#forgetKnown();
    this.#joining.require(readAt);
  }

  /** @param isWell it answers, and its replication runs */
  #noteAbsence(isWell: boolean): void {
    if (!isWell) {
      this.#isAway = this.#executed !== undefined;
    } else if (this.#isAway) {
      this.#isAway = false;
      this.#returning.require(this.node.watch.readAt);
    }
  }

  #forgetKnown(): void {
    this.#known = Position.none();
    this.#owed = Position.none();
  }

  /** Who waits for it goes elsewhere at once. What runs on it has some time: it may be busy, and not dead. */
  #leave(patienceMs: number): void {
    const { state, watch } = this.node;
    this.#moveWaiting(`${this.node.name} is ${state}: ${watch.reason ?? 'it does not answer'}`);
    this.#leaveTimer?.cancel();
    const endStatements = (): void => {
      if (this.#core !== undefined && this.node.state !== 'up') this.#core.steering.endStatements(0, `${this.node.name} does not answer.`);
    };
    if (patienceMs === 0) {
      endStatements();
      return;
    }
    this.#leaveTimer = this.clock.setTimer(endStatements, patienceMs);
    this.#leaveTimer.unref();
  }

  #moveWaiting(why: string): void {
    for (const leave of this.waiting) leave(why);
  }
}
