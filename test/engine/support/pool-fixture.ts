import type { EventEmitter } from 'node:events';
import { expect } from 'vitest';
import type { RandomSource } from '../../../src/engine/contract/clock.js';
import type { Lease } from '../../../src/engine/entries/entry.js';
import { PoolError, type PoolErrorCode } from '../../../src/engine/contract/errors.js';
import type { PoolEvents } from '../../../src/engine/contract/events.js';
import type { ResourceFactory } from '../../../src/engine/contract/factory.js';
import type { AcquireOptions } from '../../../src/engine/lending/acquire-options.js';
import type { Patience } from '../../../src/engine/lending/supply.js';
import type { PoolOptions } from '../../../src/engine/contract/options.js';
import { Pool } from '../../../src/engine/pool.js';
import type { PoolStats } from '../../../src/engine/statistics/stats.js';
import { FakeClock } from './fake-clock.js';
import { FakeFactory, type FakeResource, nothing } from './fake-factory.js';

/** Longer than any bound of the engine on the end of a pool. */
const LONG_ENOUGH_TO_CLOSE_MS = 20_000;

export interface PoolFixtureSettings {
  /** Default: always one half. */
  readonly random?: RandomSource;
  /** Replaces methods of the fake factory, or (with `undefined`) takes optional ones away. */
  readonly methods?: { readonly [K in keyof ResourceFactory<FakeResource>]?: ResourceFactory<FakeResource>[K] | undefined };
  readonly patience?: Patience;
  /** Called with the factory before the pool is made. */
  readonly prepare?: (factory: FakeFactory) => void;
}

/** A pool over a fake clock and a fake factory. At its end it checks that the pool leaves nothing behind. */
export class PoolFixture {
  readonly clock = new FakeClock(1_000);
  readonly factory = new FakeFactory(this.clock);
  readonly pool: Pool<FakeResource>;

  constructor(options: PoolOptions = {}, { random = () => 0.5, methods = {}, patience = 'told', prepare }: PoolFixtureSettings = {}) {
    prepare?.(this.factory);
    const factory = withMethods(this.factory, methods);
    this.pool = new Pool(factory, options, { clock: this.clock, random, patience });
  }

  get stats(): PoolStats {
    return this.pool.stats();
  }

  /** Acquires, with the factory looking on. */
  async acquire(options?: AcquireOptions): Promise<Lease<FakeResource>> {
    const lease = await this.pool.acquire(options);
    this.factory.borrowed(lease.resource);
    return lease;
  }

  /** Borrows, holds for `useMs`, gives back; returns the moment at which it was served. */
  async use(useMs: number, options?: AcquireOptions): Promise<number> {
    const lease = await this.acquire(options);
    const servedAt = this.clock.now();
    await this.clock.wait(useMs);
    lease.release();
    return servedAt;
  }

  /** Opens `count` entries that have been used, each for `useMs`, and are idle. */
  async warmUp(count: number, useMs = 0): Promise<void> {
    const uses = Array.from({ length: count }, () => this.acquire());
    for (let served = 0; served < count; served = this.pool.summary().used) await this.clock.advance(1);
    await this.clock.advance(useMs);
    for (const lease of await Promise.all(uses)) lease.release();
    await this.clock.settle();
  }

  /** Collects the details of one kind of event from now on. */
  record<K extends keyof PoolEvents>(event: K): PoolEvents[K][0][] {
    const details: PoolEvents[K][0][] = [];
    (this.pool as EventEmitter).on(event, (detail: PoolEvents[K][0]) => details.push(detail));
    return details;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    expectCountersToAddUp(this.stats);
    this.factory.script('close', nothing);
    const closed = this.pool.close();
    await this.clock.advance(LONG_ENOUGH_TO_CLOSE_MS);
    await closed;
    for (const call of this.factory.held.splice(0)) call.succeed();
    await this.clock.advance(LONG_ENOUGH_TO_CLOSE_MS);
    expect(this.factory.violations).toEqual([]);
    expect(this.factory.openInTruth).toBe(0);
    expect(this.clock.pendingTimers).toBe(0);
    expect(this.stats).toMatchObject({ total: 0, opening: 0, waiting: 0, state: 'closed' });
    expectCountersToAddUp(this.stats);
  }
}

function withMethods(factory: FakeFactory, methods: NonNullable<PoolFixtureSettings['methods']>): ResourceFactory<FakeResource> {
  const all = ['open', 'close', 'validate', 'recycle', 'park', 'unpark', 'describe', 'isPermanent', 'isMisplaced'] as const;
  const bound = Object.fromEntries(all.map((name) => [name, factory[name].bind(factory)]));
  const given = { ...bound, ...methods };
  return Object.fromEntries(Object.entries(given).filter(([, method]) => method !== undefined)) as unknown as ResourceFactory<FakeResource>;
}

/** The equations of I12. */
export function expectCountersToAddUp(stats: PoolStats): void {
  const { acquires, acquired, released, timedOut, cancelled, refused, waiting } = stats;
  expect(acquires).toBe(acquired + timedOut + cancelled + refused + waiting);
  expect(stats.opened - stats.closed).toBe(stats.total);
  expect(stats.total).toBe(stats.idle + stats.used + stats.checking + stats.closing);
  expect(acquired - released).toBe(stats.used);
  expect(Object.values(stats.closedByReason).reduce((sum, count) => sum + count, 0)).toBe(stats.closed);
  expect(Object.values(stats.connectErrorsByCode).reduce((sum, count) => sum + count, 0)).toBe(stats.connectErrors);
}

/** The PoolError that `work` fails with. */
export async function errorOf(work: Promise<unknown>, code: PoolErrorCode): Promise<PoolError> {
  const outcome: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!PoolError.is(outcome)) throw new Error(`A PoolError ${code} was expected; got ${String(outcome)}.`, { cause: outcome });
  expect(outcome.code).toBe(code);
  return outcome;
}
