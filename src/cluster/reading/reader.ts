/** `db.reader`: a pool whose statements run on replicas. */

import {
  type Borrowed,
  type Clock,
  type DrainOptions,
  type DrainReport,
  PoolError,
  type PoolSummary,
  type Resizable,
} from '../../engine/index.js';
import {
  type BorrowOptions,
  checkedReading,
  coreOf,
  type Health,
  Pool,
  type PoolConnection,
  type ReadingOptions,
  READING_OPTION_NAMES,
  type ResolvedOptions,
  type Transaction,
  type TransactionOptions,
} from '../../mysql/index.js';
import { RoutedCore } from './routed-core.js';
import type { ReadStats } from './read-counts.js';
import type { ReadRouter } from './router.js';
import { drainedTogether, sumOf } from './sum-of-stats.js';

/** How often a read is sent again at most that its node has lost, where the pool's own `retries` say less. */
const LEAST_ATTEMPTS = 3;

/** The pools over which nodes are read now. */
type Pools = () => readonly Pool[];

/**
 * Reads of a cluster, as a pool: `query`, `execute`, borrowed connections, callbacks (`.pool`) and transactions that only read. Each goes to a replica
 * that is as current as it is asked to be, else to the writer. A write is refused by the replica, which is read-only: error 1290.
 *
 * @example
 * ```ts
 * const [rows] = await db.reader.query('SELECT name FROM users WHERE id = ?', [7]);
 * const [late] = await db.reader.query({ sql: 'SELECT COUNT(*) FROM visits', consistency: 'eventual' });
 * ```
 */
export class Reader extends Pool {
  readonly #router: ReadRouter;
  readonly #pools: Pools;
  readonly #core: RoutedCore;

  /** @internal */
  constructor(options: ResolvedOptions, router: ReadRouter, clock: Clock, pools: Pools) {
    super(optionsOfReader(options), (view) => new RoutedCore(optionsOfReader(options), view, router, clock, () => pools().map(coreOf)));
    this.#router = router;
    this.#pools = pools;
    this.#core = coreOf(this) as RoutedCore;
  }

  /** Where reads went, and why. */
  readStats(): ReadStats {
    return this.#router.counts.snapshot();
  }

  /**
   * Borrows a connection of a node that is fit now. It stays on that node: how current its later reads are, is not looked at again.
   *
   * @param options those of any pool's `getConnection`, and `consistency`, `maxLag`, `after`
   * @throws as a pool's; PoolError `POOL_NO_READER` where `reads.fallback` is 'refuse', and `POOL_OPTION_INVALID`
   */
  override getConnection(options?: BorrowOptions & ReadingOptions): Promise<PoolConnection> {
    try {
      const { reading, rest } = readingApart(options);
      return reading === undefined ? super.getConnection(rest) : this.borrowFrom(this.#core.lenderFor(reading), rest);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * A transaction that only reads, on one node that is fit when it begins.
   *
   * @param options those of any pool's `transaction`, and `consistency`, `maxLag`, `after`; `readOnly` may not be false
   */
  override async transaction<T>(work: (tx: Transaction) => Promise<T>, options: TransactionOptions & ReadingOptions = {}): Promise<T> {
    const { reading, rest } = readingApart(options);
    if (rest?.readOnly === false)
      throw new PoolError('POOL_OPTION_INVALID', 'readOnly must be true or omitted: db.reader only reads. Use db.transaction to write.');
    const asked = { ...rest, readOnly: true };
    if (reading === undefined) return await super.transaction(work, asked);
    return await this.transactionFrom(this.#core.lenderFor(reading), work, asked);
  }

  override summary(): PoolSummary {
    return sumOf(
      super.summary(),
      this.#pools().map((pool) => pool.summary()),
    );
  }

  override borrowed(): readonly Borrowed[] {
    return this.#pools()
      .flatMap((pool) => pool.borrowed())
      .toSorted((one, other) => other.heldMs - one.heldMs);
  }

  /** 'degraded' while no replica is fit: then the writer serves the reads, or none does. */
  override health(options: { readonly deep?: boolean } = {}): Promise<Health> {
    return this.#core.health(options.deep === true, [this.#router.check()]);
  }

  override evict(): void {
    for (const pool of this.#pools()) pool.evict();
  }

  /** Changes the limits of each node's pool, also of those that are made later. */
  override resize(change: Resizable): void {
    super.resize(change);
    for (const pool of this.#pools()) pool.resize(change);
  }

  override async drain(options?: DrainOptions): Promise<DrainReport> {
    const others = this.#pools().map((pool) => pool.drain(options));
    return drainedTogether(await Promise.all([super.drain(options), ...others]));
  }

  override async end(): Promise<void> {
    await Promise.all([super.end(), ...this.#pools().map((pool) => pool.end())]);
  }
}

/** It opens nothing: only its limits, its words and its retries are in force. A read may move to another node without being asked. */
function optionsOfReader(options: ResolvedOptions): ResolvedOptions {
  const { atStart, retries } = options;
  return {
    ...options,
    moves: false,
    cache: undefined,
    logger: undefined,
    // It has no connections of its own: the pools that have them are members.
    fleet: undefined,
    atStart: { ...atStart, name: `${atStart.name}/reader`, minIdle: 0 },
    retries: {
      ...retries,
      readOnly: true,
      attempts: Math.max(retries.attempts, LEAST_ATTEMPTS),
      // A node that is lost takes what runs on it along: that may be as much as its pool has connections.
      budgetMinimum: Math.max(retries.budgetMinimum, 4 * atStart.connectionLimit),
    },
  };
}

/** @throws PoolError `POOL_OPTION_INVALID` */
function readingApart<O extends object>(
  options: (O & ReadingOptions) | undefined,
): { reading: ReadingOptions | undefined; rest: O | undefined } {
  if (typeof options !== 'object' || options === null) return { reading: undefined, rest: options };
  const reading = checkedReading(options);
  if (reading === undefined) return { reading, rest: options };
  const rest = Object.fromEntries(Object.entries(options).filter(([name]) => !(READING_OPTION_NAMES as readonly string[]).includes(name)));
  return { reading, rest: Object.keys(rest).length === 0 ? undefined : (rest as O) };
}
