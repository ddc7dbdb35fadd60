/** A node as reads see it: whether it is up, how current it is, how busy it is. */

import type { Clock, Timer } from '../../engine/index.js';
import { coreOf, type PoolCore } from '../../mysql/index.js';
import type { NodeReading, NodeState } from '../contract/index.js';
import { GtidSet, Position } from '../position/index.js';

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
  #known = Position.none();
  #executed: GtidSet | undefined = undefined;
  #executedText: string | undefined = undefined;
  #core: PoolCore | undefined = undefined;
  #upSince = Number.NEGATIVE_INFINITY;
  #wasUp: boolean | undefined = undefined;
  #isLate: boolean;
  #leaveTimer: Timer | undefined = undefined;

  constructor(
    readonly node: ReadableNode,
    private readonly clock: Clock,
    /** What it must have before it serves reads that must see writes: it came later than the others, or was set back. */
    private floor: GtidSet | undefined,
  ) {
    this.#isLate = floor !== undefined;
  }

  /**
   * The node was looked at.
   *
   * @param patienceMs how long its statements may still run once it is not up
   * @param writerHas what the writer had executed at its last look
   */
  looked(patienceMs: number, writerHas: GtidSet | undefined): void {
    const { reading, state } = this.node;
    if (reading?.executed !== this.#executedText) this.#noteExecuted(reading?.executed, writerHas);
    const isUp = state === 'up';
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
    return this.node.reading?.replicating === true && this.floor === undefined;
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
    return this.lagMs <= maxLagMs && this.lagMs + sinceMs <= maxLagMs + intervalMs;
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

  #noteExecuted(text: string | undefined, writerHas: GtidSet | undefined): void {
    const before = this.#executed;
    this.#executedText = text;
    this.#executed = text === undefined ? undefined : GtidSet.parse(text);
    const executed = this.#executed;
    if (executed === undefined) return;
    this.#known.forgetWhatIsIn([executed]);
    // Restored from a backup, for example: what it was known to have is gone.
    if (before !== undefined && !executed.covers(before)) {
      this.floor = writerHas;
      this.#known = Position.none();
    }
    if (this.floor !== undefined && executed.covers(this.floor)) this.floor = undefined;
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
