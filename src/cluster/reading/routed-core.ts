/** The core of `db.reader`: a pool without connections of its own, which lends those of the nodes. */

import type { AcquireOptions, Clock, DurationCounts, Lease, RecordedDuration } from '../../engine/index.js';
import {
  type ConnectionWaiter,
  type ManagedConnection,
  type Pool,
  PoolCore,
  type PoolStats,
  type ReadingOptions,
  type ResolvedOptions,
  type StatementPool,
} from '../../mysql/index.js';
import type { Position } from '../position/index.js';
import { RoutedWait } from './routed-wait.js';
import type { ReadRouter, ReadWish } from './router.js';
import { sumOf, sumOfCounts, withDurationsOfAll } from './sum-of-stats.js';

const NO_OPTIONS: AcquireOptions = Object.freeze({});

/** Lends connections of the nodes that are fit for one kind of read. */
export class RoutedLender implements StatementPool {
  constructor(
    private readonly core: Pick<StatementPool, 'options' | 'acquireTimeout' | 'retries'>,
    private readonly router: ReadRouter,
    private readonly wish: ReadWish,
    private readonly clock: Clock,
  ) {}

  get options(): StatementPool['options'] {
    return this.core.options;
  }

  get acquireTimeout(): number {
    return this.core.acquireTimeout;
  }

  get retries(): StatementPool['retries'] {
    return this.core.retries;
  }

  tryAcquire(): Lease<ManagedConnection> | undefined {
    const choice = this.router.choose(this.wish, this.#required(), undefined);
    if (choice.target === undefined || choice.wait !== undefined) return undefined;
    const lease = choice.target.core.tryAcquire();
    if (lease !== undefined) this.router.counts.add('reader:fit');
    return lease;
  }

  enqueue(waiter: ConnectionWaiter, options: AcquireOptions = NO_OPTIONS): void {
    new RoutedWait(this.router, this.wish, this.#required(), this.clock, waiter, options, this.acquireTimeout).begin();
  }

  #required(): Position | undefined {
    return this.router.requiredBy(this.wish);
  }
}

/** A core whose connections are the nodes'. */
export class RoutedCore extends PoolCore {
  readonly #lender: RoutedLender;
  readonly #cores: () => readonly PoolCore[];

  /** @param cores of the nodes that are read over, as far as they are made */
  constructor(
    options: ResolvedOptions,
    view: () => Pool,
    private readonly reads: ReadRouter,
    private readonly clock: Clock,
    cores: () => readonly PoolCore[],
  ) {
    super(options, view);
    this.#cores = cores;
    this.#lender = new RoutedLender(this, reads, reads.wishOf(undefined), clock);
  }

  override tryAcquire(): Lease<ManagedConnection> | undefined {
    return this.engine.state === 'running' ? this.#lender.tryAcquire() : undefined;
  }

  override enqueue(waiter: ConnectionWaiter, options?: AcquireOptions): void {
    // Its own queue refuses: it is closed, draining or suspended.
    if (this.engine.state === 'running') this.#lender.enqueue(waiter, options);
    else super.enqueue(waiter, options);
  }

  override lenderFor(reading: ReadingOptions): StatementPool {
    return new RoutedLender(this, this.reads, this.reads.wishOf(reading), this.clock);
  }

  override stats(): PoolStats {
    const sum = sumOf(
      super.stats(),
      this.#cores().map((core) => core.stats()),
    );
    return withDurationsOfAll(sum, (which, boundsMs) => this.durationCounts(which, boundsMs));
  }

  override durationCounts(which: RecordedDuration | 'query', boundsMs: readonly number[]): DurationCounts {
    return sumOfCounts([super.durationCounts(which, boundsMs), ...this.#cores().map((core) => core.durationCounts(which, boundsMs))]);
  }
}
