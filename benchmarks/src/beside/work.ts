import { performance } from 'node:perf_hooks';
import type { Pool } from 'poolwright';

/** What one process measures: nanoseconds, or milliseconds of a start. */
export type Figures = Readonly<Record<string, number>>;

/** A piece of work whose cost is compared. */
export interface Work {
  readonly callers: number;
  /** Times that it is done to warm up, and once more, in halves, to measure. */
  readonly times: number;
  readonly run: (pool: Pool, index: number) => Promise<unknown>;
}

const READ = 'SELECT id, name, balance FROM accounts WHERE id = ?';

const acquire = async (pool: Pool): Promise<void> => (await pool.getConnection()).release();
const query = (pool: Pool, index: number): Promise<unknown> => pool.query(READ, [1 + (index % 9_999)]);
const execute = (pool: Pool, index: number): Promise<unknown> => pool.execute(READ, [1 + (index % 9_999)]);
const transaction = (pool: Pool, index: number): Promise<unknown> =>
  pool.transaction(async (tx) => {
    await tx.query(READ, [1 + (index % 9_999)]);
    await tx.query(READ, [1 + (index % 9_997)]);
  });

/** All by name: `acquire@200` is done by 200 callers. `start` is measured by itself. */
export const WORKS: Readonly<Record<string, Work>> = {
  ...Object.fromEntries([1, 20, 200, 2_000].map((callers) => [`acquire@${callers}`, { callers, times: 400_000, run: acquire }])),
  ...Object.fromEntries(
    [1, 20, 200].map((callers) => [`query@${callers}`, { callers, times: 30_000 / (callers === 1 ? 3 : 1), run: query }]),
  ),
  ...Object.fromEntries(
    [1, 20, 200].map((callers) => [`execute@${callers}`, { callers, times: 30_000 / (callers === 1 ? 3 : 1), run: execute }]),
  ),
  'transaction@20': { callers: 20, times: 6_000, run: transaction },
};

const MEASUREMENTS = 3;

/** Time and processor time of one call, in nanoseconds: the median of three measurements of a warm pool. */
export async function measureWork(pool: Pool, { callers, times, run }: Work): Promise<Figures> {
  await doTimes(times);
  const measured: { time: number; cpu: number }[] = [];
  for (let index = 0; index < MEASUREMENTS; index += 1) measured.push(await doTimes(times / 2));
  return { time: middleOf(measured.map(({ time }) => time)), cpu: middleOf(measured.map(({ cpu }) => cpu)) };

  async function doTimes(count: number): Promise<{ time: number; cpu: number }> {
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < count) await run(pool, (next += 1));
    };
    const startedAt = performance.now();
    const before = process.cpuUsage();
    await Promise.all(Array.from({ length: callers }, caller));
    const { user, system } = process.cpuUsage(before);
    return { time: ((performance.now() - startedAt) * 1e6) / count, cpu: ((user + system) * 1e3) / count };
  }
}

function middleOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
