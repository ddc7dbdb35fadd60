/** Measures a statement with pools of several sizes, taking turns, and recommends a size. */

import { codeOf, Histogram, messageOf } from '../../engine/index.js';
import { pause, performance } from '../../engine/waiting/index.js';
import { createPool, type Pool, type PoolOptions } from '../../mysql/index.js';
import { UsageError } from '../console/index.js';

export interface BenchPlan {
  /** Default: DATABASE_URL. */
  readonly url: string | undefined;
  readonly sql: string;
  /** The statement may write. */
  readonly writes: boolean;
  /** As a prepared statement. */
  readonly execute: boolean;
  readonly sizes: readonly number[];
  readonly callers: number;
  readonly seconds: number;
  readonly rounds: number;
  /** Also without a pool. */
  readonly baseline: boolean;
  readonly stop: AbortSignal;
}

/** One way to run the statement; of its rounds, the median one by rate. Times in milliseconds, from the call to the answer. */
export interface Contestant {
  /** Connections of the pool; `null`: no pool, a new connection for each statement. */
  readonly size: number | null;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of all rounds. */
  readonly failed: number;
  readonly lastError: string | null;
}

export interface BenchReport {
  readonly server: string;
  readonly sql: string;
  readonly callers: number;
  readonly contestants: readonly Contestant[];
  readonly recommended: number | null;
  readonly why: string;
  readonly skipped: readonly string[];
}

/** A rate within this share of the best is as good as it. */
const AS_GOOD = 0.95;

/** Connections without a pool: a server refuses too many at once. */
const MOST_AT_ONCE = 20;

/** Left free for the administrator and for the database's present clients. */
const LEFT_FREE = 5;

const DRAIN_MS = 5_000;

/** The server refuses an assignment to data in a read-only transaction with this number, whether a view or a function makes it. */
const ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION = 1792;

/** A pool with what runs on it. */
interface Lane {
  readonly size: number | null;
  readonly pool: Pool;
  readonly callers: number;
  readonly rounds: Round[];
}

interface Round {
  readonly perSecond: number;
  readonly times: Histogram;
  readonly failed: number;
  readonly lastError: unknown;
}

/** @throws what connecting throws; UsageError for a statement that writes and may not; once the rounds begin, failures are counted */
export async function runBench(plan: BenchPlan, progress: (what: string) => void): Promise<BenchReport> {
  const { server, room } = await look(plan);
  const sizes = [...new Set(plan.sizes)].sort((one, other) => one - other);
  const fitting = sizes.filter((size) => size <= room);
  const skipped = sizes.filter((size) => size > room).map((size) => `a pool of ${size}: the server has room for ${room} more connections`);
  const lanes: Lane[] = [];
  try {
    if (plan.baseline) lanes.push(laneOf(plan, null, Math.max(1, Math.min(MOST_AT_ONCE, room, plan.callers))));
    for (const size of fitting) lanes.push(laneOf(plan, size, size));
    await runRounds(plan, lanes, progress);
    const contestants = lanes.filter(({ rounds }) => rounds.length > 0).map(resultOf);
    return { server, sql: plan.sql, callers: plan.callers, contestants, ...recommendation(contestants, plan.callers), skipped };
  } finally {
    await Promise.all(lanes.map(({ pool }) => pool.drain({ timeout: DRAIN_MS })));
  }
}

async function look(plan: BenchPlan): Promise<{ readonly server: string; readonly room: number }> {
  const pool = poolOf(plan, 1, 'bench');
  try {
    const [rows] = await pool.query({ sql: 'SELECT VERSION(), @@max_connections', rowsAsArray: true });
    const [version, maximum] = (rows as unknown as unknown[][])[0] ?? [];
    const [status] = await pool.query({ sql: "SHOW GLOBAL STATUS LIKE 'Threads_connected'", rowsAsArray: true });
    const others = Number((status as unknown as unknown[][])[0]?.[1] ?? 1) - 1;
    // TiDB says 0 for no limit.
    const room = Number(maximum) === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Number(maximum) - others - LEFT_FREE);
    if (!plan.writes) await proveReading(pool, plan);
    return { server: String(version), room };
  } finally {
    await pool.drain({ timeout: DRAIN_MS });
  }
}

/** Runs the statement once where the server refuses writes. Another failure is one of the statement, which the rounds will count. */
async function proveReading(pool: Pool, { sql }: BenchPlan): Promise<void> {
  try {
    await pool.transaction((transaction) => transaction.query(sql), { readOnly: true });
  } catch (error) {
    if ((error as { readonly errno?: unknown }).errno === ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION)
      throw new UsageError('The server reports that the statement of --sql writes. If it may, use --writes.');
  }
}

function laneOf(plan: BenchPlan, size: number | null, connections: number): Lane {
  const pool = poolOf(plan, connections, size === null ? 'bench without a pool' : `bench ${size}`);
  return { size, pool, callers: size === null ? connections : plan.callers, rounds: [] };
}

function poolOf({ url }: BenchPlan, connectionLimit: number, name: string): Pool {
  const options: PoolOptions = { name, connectionLimit, minIdle: 0, maxIdle: connectionLimit, queueLimit: 0, acquireTimeout: 60_000 };
  return createPool(url, options);
}

async function runRounds(plan: BenchPlan, lanes: readonly Lane[], progress: (what: string) => void): Promise<void> {
  for (let round = 1; round <= plan.rounds; round += 1) {
    for (const lane of lanes) {
      if (plan.stop.aborted) return;
      progress(`round ${round} of ${plan.rounds}, ${lane.size === null ? 'without a pool' : `pool of ${lane.size}`}`);
      // A pool that is not measured holds no connections: the server may not have room for all sizes at once.
      if (lane.size !== null) await warmUp(lane, plan);
      lane.rounds.push(await runRound(plan, lane));
      lane.pool.evict();
    }
  }
}

/** Opens what the round needs, so that it measures statements and not the opening of connections. */
async function warmUp({ pool, size }: Lane, plan: BenchPlan): Promise<void> {
  const connections = await Promise.all(Array.from({ length: Math.min(size ?? 0, plan.callers) }, () => pool.getConnection()));
  for (const connection of connections) connection.release();
}

async function runRound(plan: BenchPlan, { pool, size, callers }: Lane): Promise<Round> {
  const times = new Histogram();
  let failed = 0;
  let lastError: unknown;
  const startedAt = performance.now();
  const endsAt = startedAt + plan.seconds * 1000;
  const once = size === null ? () => withoutPool(pool, plan) : () => withPool(pool, plan);
  const caller = async (): Promise<void> => {
    while (performance.now() < endsAt && !plan.stop.aborted) {
      const before = performance.now();
      try {
        await once();
        times.record(performance.now() - before);
      } catch (error) {
        failed += 1;
        lastError = error;
        // Calls that fail at once would otherwise keep the machine busy.
        await pause(10);
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - startedAt) / 1000;
  return { perSecond: times.summary().count / seconds, times, failed, lastError };
}

async function withPool(pool: Pool, { sql, execute }: BenchPlan): Promise<void> {
  await (execute ? pool.execute(sql) : pool.query(sql));
}

/** A connection for this statement alone. */
async function withoutPool(pool: Pool, { sql, execute }: BenchPlan): Promise<void> {
  const connection = await pool.getConnection();
  try {
    await (execute ? connection.execute(sql) : connection.query(sql));
  } finally {
    connection.destroy();
  }
}

function resultOf({ size, rounds }: Lane): Contestant {
  const sorted = rounds.toSorted((one, other) => one.perSecond - other.perSecond);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] as Round;
  const { p50Ms, p90Ms, p99Ms, maxMs } = median.times.summary();
  const lastError = rounds.findLast((round) => round.failed > 0)?.lastError;
  return {
    size,
    perSecond: Math.round(median.perSecond * 10) / 10,
    p50Ms,
    p90Ms,
    p99Ms,
    maxMs,
    failed: rounds.reduce((sum, round) => sum + round.failed, 0),
    lastError: lastError === undefined ? null : `${messageOf(lastError)} (${codeOf(lastError)})`,
  };
}

function recommendation(
  contestants: readonly Contestant[],
  callers: number,
): { readonly recommended: number | null; readonly why: string } {
  const pools = contestants.filter(({ size, perSecond, failed }) => size !== null && perSecond > 0 && failed === 0);
  const best = Math.max(0, ...pools.map(({ perSecond }) => perSecond));
  const chosen = pools.find(({ perSecond }) => perSecond >= best * AS_GOOD);
  if (chosen === undefined) return { recommended: null, why: 'no size ran without failures' };
  const largest = pools.at(-1) === chosen && pools.length > 1;
  const why = largest
    ? `the largest size that was tried is also the fastest: try larger sizes, too`
    : `the smallest within 5 % of the best rate, ${Math.round(best)}/s, with ${callers} callers`;
  return { recommended: chosen.size, why };
}
