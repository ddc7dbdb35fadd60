/** A resource that is made ready for one waiter: the step between the waiter's turn and its lease. */

import { PoolError, type PoolState, type ResolvedPoolOptions, type ResourceFactory } from '../contract/index.js';
import type { Entry, EntrySet, Readying } from '../entries/index.js';
import { type FairQueue, type Refusals, refuseWaiter, type Waiter, type WaiterOwner } from '../queue/index.js';
import type { Statistics } from '../statistics/index.js';
import type { DeadlineQueue } from '../waiting/index.js';
import { gaveUpError, closedError, drainingError, notReadyError, notReadyInTimeError } from './acquire-errors.js';
import type { Reporter } from './reporter.js';
import type { Supply } from './supply.js';

/** How an acquire ends that gets no entry. The values are names of counters. */
type Unserved = 'timedOut' | 'cancelled' | 'refused';

/** The lender, as far as it concerns a waiter whose entry is made ready. */
interface ReadyingLender<R> {
  readonly state: PoolState;
  readonly options: Pick<ResolvedPoolOptions, 'acquireTimeout'>;
  readonly entries: EntrySet<R>;
  readonly reporter: Reporter<R>;
  readonly supply: Supply<R>;
  readonly statistics: Statistics;
  readonly deadlines: DeadlineQueue;
  readonly refusals: Refusals<R>;
  /** The queue, when it is not the plain one. */
  readonly fair: FairQueue<R> | undefined;
  /** Precondition: no step of the entry runs. */
  lendReady(waiter: Waiter<R>, entry: Entry<R>, now: number): void;
  lendOrClose(entry: Entry<R>, now: number): void;
  serveAndRefill(now: number): void;
}

/**
 * Makes one entry ready for one waiter, who has left the queue for it and still waits: its own deadline and its signal end that wait as any other. The
 * entry is no other waiter's. If the waiter does not get it, it is closed: what runs on it may still run.
 */
export class WaiterReadying<R> implements Readying, WaiterOwner<R> {
  constructor(
    readonly lender: ReadyingLender<R>,
    private readonly factory: ResourceFactory<R>,
    private readonly waiter: Waiter<R>,
    private readonly entry: Entry<R>,
  ) {}

  /** Precondition: the waiter has left the queue; the entry is idle, or no step of it runs. */
  start(now: number): void {
    this.waiter.owner = this;
    this.lender.entries.readyEntry(this.entry, this, now);
  }

  run(): Promise<PoolError | undefined> | undefined {
    const { waiter, entry, factory } = this;
    const { mark, context } = waiter;
    const { mark: from, uses } = entry;
    const prepare = (): Promise<PoolError | undefined> | undefined => factory.prepare?.(entry.resource as R, { mark, from, uses });
    return context === undefined ? prepare() : context.runInAsyncScope(prepare);
  }

  ended(refusal: PoolError | undefined, now: number): void {
    const { lender, waiter, entry } = this;
    const error = refusal ?? (entry.doomed === undefined || entry.doomed === 'uses' ? undefined : this.#notReady(undefined, now));
    if (error === undefined) {
      lender.entries.markEntry(entry, waiter.mark);
      lender.lendReady(waiter, entry, now);
      lender.serveAndRefill(now);
    } else {
      this.#takeOut('refused', now);
      refuseWaiter(waiter, error);
      // Its waiter's code may have ended the pool, and the entry with it.
      if (entry.state === 'preparing') lender.lendOrClose(entry, now);
    }
  }

  failed(error: unknown, now: number): void {
    this.lender.supply.noteUseless(this.entry, now);
    this.#close('refused', PoolError.is(error) ? error : this.#notReady(error, now), now);
  }

  abandoned(now: number): void {
    const { lender, waiter } = this;
    const summary = lender.reporter.summary(now);
    const ending = lender.state === 'closed' ? closedError(summary) : lender.state === 'draining' ? drainingError(summary) : undefined;
    this.#takeOut('refused', now);
    lender.refusals.add(waiter, ending ?? this.#notReady(undefined, now));
  }

  timedOut(waiter: Waiter<R>, now: number): void {
    this.#close('timedOut', notReadyInTimeError(now - waiter.enqueuedAt, this.lender.reporter.summary(now)), now);
  }

  /** The caller gives up. */
  cancel(reason: unknown, now: number): void {
    this.#close('cancelled', gaveUpError(reason, this.lender.reporter.summary(now)), now);
  }

  #close(how: Unserved, error: PoolError, now: number): void {
    const { lender, waiter, entry } = this;
    entry.readying = undefined;
    lender.entries.closeEntry(entry, 'hook', true, now);
    this.#takeOut(how, now);
    refuseWaiter(waiter, error);
    lender.serveAndRefill(now);
  }

  /** Its wait is over: it is counted, and the entry is no longer its own. */
  #takeOut(how: Unserved, now: number): void {
    const { lender, waiter, entry } = this;
    waiter.owner = undefined;
    lender.deadlines.remove(waiter);
    lender.fair?.noteReturn(entry);
    if (how === 'timedOut') lender.statistics.countTimeout(now - waiter.enqueuedAt, lender.options.acquireTimeout);
    else lender.statistics[how] += 1;
  }

  #notReady(cause: unknown, now: number): PoolError {
    return notReadyError(cause, this.lender.reporter.summary(now));
  }
}

/** Whether a waiter gets an entry as it is. */
export function isReady<R>({ preparesEach }: ResourceFactory<R>, { mark }: Waiter<R>, entry: Entry<R>): boolean {
  return preparesEach !== true && mark?.key === entry.mark?.key;
}
