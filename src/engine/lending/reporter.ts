/** The pool's reports of itself as frozen values: counts, statistics, borrowers, the context of errors. */

import type { AcquireFailureContext } from './acquire-errors.js';
import type { Ceilings } from './ceilings.js';
import type { Entry, EntrySet } from '../entries/index.js';
import {
  answerOf,
  applicationFrames,
  type Borrowed,
  codeOf,
  type ConnectFailure,
  type Description,
  messageOf,
  placeOf,
  type PoolState,
  type PoolSummary,
  type ResolvedPoolOptions,
  type ResourceFactory,
} from '../contract/index.js';
import type { LendingHold } from './hold.js';
import type { PoolStats, Statistics } from '../statistics/index.js';
import type { Queue } from '../queue/index.js';

/** The last failure to open a resource; forgotten when an opening succeeds. */
export interface OpenFailure {
  readonly error: unknown;
  readonly at: number;
  readonly permanent: boolean;
  /** Resources can be opened, and are not what the pool is for. */
  readonly misplaced: boolean;
}

/** What the reporter reads. */
export interface Reported<R> {
  readonly entries: EntrySet<R>;
  readonly queue: Queue<R>;
  readonly statistics: Statistics;
  readonly options: ResolvedPoolOptions;
  readonly limit: number;
  readonly ceilings: Ceilings;
  readonly state: PoolState;
  readonly hold: LendingHold | undefined;
  readonly lastOpenFailure: OpenFailure | undefined;
}

/** How acquires have ended so far, and how many borrowers are leaks. */
export interface PoolGlance {
  readonly acquired: number;
  /** Without callers whose own limit was shorter than the pool's, and brief. */
  readonly timedOut: number;
  readonly refused: number;
  /** Of those refused: how many so that others need not wait longer than `waitTarget`. */
  readonly shed: number;
  /** Borrowers that were reported as leaks and have run nothing since. */
  readonly leaked: number;
}

/** Says in frozen values how the pool is. */
export class Reporter<R> {
  /** The context of the acquire errors of one moment, shared by all that fail at it. */
  #failureContext: { readonly now: number; readonly context: AcquireFailureContext } | undefined = undefined;

  constructor(
    private readonly source: Reported<R>,
    private readonly factory: ResourceFactory<R>,
  ) {}

  summary(now: number): PoolSummary {
    const { entries, queue, options, limit, state } = this.source;
    const { idle, used, opening, preparing, closing } = entries;
    const checking = entries.checking + preparing;
    return Object.freeze({
      name: options.name,
      state,
      limit,
      total: idle.size + used + checking + closing,
      idle: idle.size,
      used,
      opening,
      checking,
      closing,
      waiting: queue.size + preparing,
      longestWaitMs: queue.oldest === undefined ? 0 : now - queue.oldest.enqueuedAt,
    });
  }

  stats(now: number): PoolStats {
    const { statistics, options, ceilings } = this.source;
    const { closedByReason, connectErrorsByCode, acquire, use, connect, ...counters } = statistics;
    return Object.freeze({
      ...this.summary(now),
      connectionLimit: options.connectionLimit,
      ceilings: ceilings.snapshot(),
      minIdle: options.minIdle,
      maxIdle: options.maxIdle,
      ...counters,
      closedByReason: Object.freeze({ ...closedByReason }),
      connectErrorsByCode: connectErrorsByCode.snapshot(),
      lastConnectError: this.#lastConnectError(now),
      acquire: acquire.summary(),
      use: use.summary(),
      connect: connect.summary(),
    });
  }

  /** Who holds entries, the longest-held first. */
  borrowedBy(now: number): readonly Borrowed[] {
    const lent = [...this.source.entries].filter((entry) => entry.lease !== undefined);
    lent.sort((a, b) => a.leasedAt - b.leasedAt);
    return Object.freeze(lent.map((entry) => this.borrowed(entry, now)));
  }

  glance(now: number): PoolGlance {
    const { acquired, timedOut, timedOutBriefly, refused, shed } = this.source.statistics;
    let leaked = 0;
    for (const entry of this.source.entries) if (this.#isLeaked(entry, now)) leaked += 1;
    return { acquired, timedOut: timedOut - timedOutBriefly, refused, shed, leaked };
  }

  /** For how long the borrower of a lent entry has run nothing; undefined where the factory does not know. */
  quietMs(entry: Entry<R>, now: number): number | undefined {
    const quietMs = answerOf(() => this.factory.quietMs?.(entry.resource as R), undefined);
    return quietMs === undefined ? undefined : Math.min(quietMs, now - entry.leasedAt);
  }

  /** Counts a leak, and says who has it. */
  leak(entry: Entry<R>, now: number): Borrowed {
    this.source.statistics.leaks += 1;
    return this.borrowed(entry, now);
  }

  borrowed(entry: Entry<R>, now: number): Borrowed {
    // Made into text now, perhaps by an application's `Error.prepareStackTrace`.
    const stack = answerOf(() => entry.borrowedAt?.stack, undefined);
    const quietMs = this.quietMs(entry, now);
    return Object.freeze({
      id: entry.id,
      heldMs: now - entry.leasedAt,
      ...answerOf(() => this.#described(entry), { description: `#${entry.id}` }),
      ...(quietMs === undefined ? {} : { quietMs }),
      ...(this.#isLeaked(entry, now) ? { leaked: true } : {}),
      ...(typeof stack === 'string' ? framesIn(stack) : {}),
    });
  }

  #isLeaked(entry: Entry<R>, now: number): boolean {
    if (entry.lease === undefined || !entry.leakReported) return false;
    return (this.quietMs(entry, now) ?? Number.POSITIVE_INFINITY) >= this.source.options.leakDetectionThreshold;
  }

  failureContext(now: number): AcquireFailureContext {
    if (this.#failureContext?.now !== now) {
      const context = {
        summary: this.summary(now),
        borrowed: this.borrowedBy(now),
        unreachable: this.source.entries.usable === 0,
        connectError: this.source.lastOpenFailure?.error,
        held: this.source.hold?.reason(),
        misplaced: this.source.lastOpenFailure?.misplaced === true,
      };
      this.#failureContext = { now, context };
    }
    return this.#failureContext.context;
  }

  isMisplaced(error: unknown): boolean {
    return answerOf(() => this.factory.isMisplaced?.(error), false);
  }

  codeOf(error: unknown): string {
    return answerOf(() => this.factory.codeOf?.(error), codeOf(error));
  }

  #described(entry: Entry<R>): Description | undefined {
    const described = this.factory.describe?.(entry.resource as R);
    if (described == null) return undefined;
    // Copied here, where a getter that throws is caught.
    return typeof described === 'object' ? { ...described } : { description: described };
  }

  #lastConnectError(now: number): ConnectFailure | undefined {
    const failure = this.source.lastOpenFailure;
    if (failure === undefined) return undefined;
    return Object.freeze({ code: this.codeOf(failure.error), message: messageOf(failure.error), agoMs: now - failure.at });
  }
}

function framesIn(stack: string): Pick<Borrowed, 'place' | 'stack'> {
  const frames = applicationFrames(stack);
  const place = placeOf(frames);
  return { ...(place === undefined ? {} : { place }), stack: frames };
}
