/** What follows when a step of an entry ends: it is counted and reported, and waiters are served, or refused when nothing is left for them. */

import type { CloseReason, PoolError, PoolEvents, PoolSummary, ResolvedPoolOptions } from '../contract/index.js';
import type { CheckKind, Entry, EntrySetListener } from '../entries/index.js';
import type { Statistics } from '../statistics/index.js';
import { connectFailedError } from './acquire-errors.js';
import type { Reporter } from './reporter.js';
import type { Patience, Supply } from './supply.js';

/** What the lender reports to its pool. */
export interface LenderListener {
  reportEvent<K extends keyof PoolEvents>(event: K, detail: PoolEvents[K][0]): void;
  /** A wait or an entry has ended: a shutdown or a caller of `ready()` may have what it waits for. */
  noteChange(now: number): void;
}

/** The lender, as far as the steps of its entries concern it. */
interface Lending<R> {
  readonly statistics: Statistics;
  readonly reporter: Reporter<R>;
  readonly supply: Supply<R>;
  readonly paused: boolean;
  readonly options: Pick<ResolvedPoolOptions, 'connectPatience'>;
  endLease(entry: Entry<R>, now: number): void;
  lendOrClose(entry: Entry<R>, now: number): void;
  serveAndRefill(now: number): void;
  refuseQueue(errorFor: (summary: PoolSummary) => PoolError, now: number, patienceMs?: number): void;
}

/** What the entries of a lender report to. */
export class EntryReports<R> implements EntrySetListener<R> {
  constructor(
    private readonly lender: Lending<R>,
    private readonly listener: LenderListener,
    private readonly patience: Patience,
  ) {}

  entryOpened(entry: Entry<R>, openMs: number, now: number): void {
    this.lender.supply.noteOpening(entry, openMs, now);
    this.lender.lendOrClose(entry, now);
    this.listener.reportEvent('opened', { id: entry.id, openMs });
  }

  openingFailed(entry: Entry<R>, error: unknown, now: number): void {
    const { supply, reporter, paused } = this.lender;
    if (reporter.isMisplaced(error)) {
      this.#openedInVain(entry, error, now);
      return;
    }
    const code = reporter.codeOf(error);
    const retryInMs = supply.noteOpenFailure(error, code, now);
    this.listener.reportEvent('connectFailed', { id: entry.id, error, code, retryInMs });
    // No entry is left that could serve the waiters: they are refused now, not at the end of their time, unless they are to be patient.
    const mayPass = supply.lastFailure?.permanent === false;
    const outlasted = paused || (this.patience === 'patient' && mayPass);
    // A caller who has another pool to go to is better served there.
    const patienceMs = mayPass && this.patience !== 'impatient' ? this.lender.options.connectPatience : 0;
    if (supply.isExhausted && !outlasted) this.lender.refuseQueue((summary) => connectFailedError(error, summary), now, patienceMs);
    this.lender.serveAndRefill(now);
  }

  entryChecked(entry: Entry<R>, kind: CheckKind, now: number): void {
    this.lender.statistics[kind === 'validation' ? 'pings' : 'resets'] += 1;
    this.lender.lendOrClose(entry, now);
  }

  entryFailed(entry: Entry<R>, now: number): void {
    this.lender.supply.noteEntryFailure(entry, now);
    if (entry.lease !== undefined) this.lender.endLease(entry, now);
  }

  entryLeaving(entry: Entry<R>, error: unknown, now: number): void {
    this.listener.reportEvent('failed', { id: entry.id, error });
    this.lender.serveAndRefill(now);
  }

  entryClosed(entry: Entry<R>, reason: CloseReason, now: number): void {
    const { statistics } = this.lender;
    statistics.closed += 1;
    statistics.closedByReason[reason] += 1;
    const { id, createdAt, closedFor: error } = entry;
    this.listener.reportEvent('closed', { id, reason, ageMs: now - createdAt, ...(error === undefined ? {} : { error }) });
    this.lender.serveAndRefill(now);
  }

  /** What was opened is not what the pool is for. The next may be, so no waiter is refused for it. */
  #openedInVain({ id, createdAt }: Entry<R>, error: unknown, now: number): void {
    const openMs = now - createdAt;
    this.lender.supply.noteMisplaced(error, openMs, now);
    this.listener.reportEvent('opened', { id, openMs });
    this.listener.reportEvent('closed', { id, reason: 'role', ageMs: openMs, error });
    this.lender.serveAndRefill(now);
  }
}
