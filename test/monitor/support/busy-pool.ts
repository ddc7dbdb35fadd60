/** Pools that look as busy as a test says, and a feed whose clock the test moves; no server is needed. */

import type { DurationCounts } from '../../../src/engine/index.js';
import { createPool, type Pool, type PoolStats } from '../../../src/mysql/index.js';
import { type FeedTime, LiveFeed } from '../../../src/monitor/live/index.js';
import type { HistoryStore } from '../../../src/monitor/history/index.js';

/** A pool with numbers of its own. Disposing ends it. */
export interface BusyPool extends AsyncDisposable {
  readonly pool: Pool;
  /** A second of about a thousand statements has passed. */
  work(): void;
  /** Changes what its snapshot says. */
  say(stats: Partial<PoolStats>): void;
}

const PER_SECOND = 1_000;
/** Repeatable, and uneven. */
const RANDOM_SEED = 12_345;

const BORROWED = Array.from({ length: 20 }, (_, id) => ({
  id,
  heldMs: 17 * id + 3,
  description: `borrower ${id} runs a statement`,
  inTransaction: id % 3 === 0,
  statement: 'SELECT o.id, o.total FROM orders o JOIN lines l ON l.order_id = o.id WHERE o.customer = ? AND l.sku IN (?) LIMIT ?',
  runningMs: 13 * id,
  place: `orders/report-${id % 4}.ts:${40 + id}`,
  stack: Array.from({ length: 8 }, (__, line) => `    at step${line} (/srv/app/src/orders/report-${id % 4}.ts:${line * 7 + id}:13)`).join(
    '\n',
  ),
}));

export function busyPool(name: string): BusyPool {
  const made = createPool({ host: '127.0.0.1', port: 1, name, minIdle: 0, connectionLimit: 20 });
  const random = randomFrom(RANDOM_SEED + name.length);
  const totals = { acquired: 0, timedOut: 0, opened: 0, closed: 0, queryErrors: 0 };
  const durations = new Map<string, number[]>();
  let told: Partial<PoolStats> = {};
  const overrides = {
    stats: (): PoolStats => ({ ...made.stats(), ...totals, ...told }),
    durationCounts(which: string, boundsMs: readonly number[]): DurationCounts {
      const counts = durations.get(which) ?? [];
      let count = 0;
      const cumulative = boundsMs.map((_, index) => (count += counts[index] ?? 0));
      return { cumulative, count, sumMs: count };
    },
    borrowed: () => BORROWED,
    slowQueries: () => ({
      windowMs: 900_000,
      totalMs: 54_321.5,
      queries: Array.from({ length: 15 }, (_, index) => ({
        digest: `SELECT c${index}, name, total FROM orders_${index} WHERE customer = ? AND created > ? ORDER BY created DESC LIMIT ?`,
        calls: 1_000 + Math.floor(random() * 900),
        totalMs: random() * 10_000,
        meanMs: random() * 10,
        maxMs: random() * 900,
        p99Ms: random() * 100,
        errors: 0,
      })),
    }),
  };
  const pool = new Proxy(made, {
    get(target, property) {
      if (property in overrides) return overrides[property as keyof typeof overrides];
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return {
    pool,
    work() {
      totals.acquired += PER_SECOND;
      if (random() < 0.1) totals.timedOut += 1;
      if (random() < 0.1) totals.opened += 1;
      for (const which of ['acquire', 'use', 'query']) {
        const counts = durations.get(which) ?? Array.from({ length: 70 }, () => 0);
        durations.set(which, counts);
        // Of a bell with a long tail: about 25 of the 70 buckets have any.
        for (let drawn = 0; drawn < 60; drawn += 1) {
          const bucket = Math.min(
            69,
            Math.max(0, Math.round(20 + 4 * (random() + random() + random() - 1.5) * 2 + (random() < 0.05 ? random() * 25 : 0))),
          );
          counts[bucket] = (counts[bucket] ?? 0) + Math.round((PER_SECOND / 60) * (0.5 + random()));
        }
      }
      told = { ...told, used: Math.floor(random() * 20), idle: 0, waiting: random() < 0.2 ? 3 : 0, longestWaitMs: random() * 20 };
    },
    say(stats) {
      told = { ...told, ...stats };
    },
    [Symbol.asyncDispose]: () => made.end(),
  };
}

/** A feed over pools that a test changes, by a clock that the test moves. */
export function scriptedFeed(pools: () => readonly Pool[], begin: number, store?: HistoryStore) {
  let now = begin;
  let run = (): void => undefined;
  const time: FeedTime = {
    now: () => now,
    eachSecond: (each) => {
      run = each;
      return () => (run = () => undefined);
    },
  };
  const feed = new LiveFeed(
    {
      pools: () => new Map(pools().map((pool) => [pool.name, pool])),
      pgbouncer: () => Promise.resolve({ available: false, reason: 'not-configured' } as never),
      breakers: () => [],
      actions: () => [],
    },
    time,
  );
  feed.keep(store);
  return {
    feed,
    /** Lets a second pass, or more at once. */
    second: (ms = 1_000): number => {
      now += ms;
      run();
      return now;
    },
  };
}

/** Marsaglia's xorshift, 32 bits. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
