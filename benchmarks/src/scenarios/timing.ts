import { performance } from 'node:perf_hooks';

/**
 * Time and processor time of this process for each of `operations`, in nanoseconds. The collector is not called before: a forced collection while no
 * statement is under way makes V8 discard optimized code whose object shapes have no live instance, and the next thousands of statements run cold.
 */
export interface Cost {
  readonly time: number;
  readonly cpu: number;
}

export async function costOf(operations: number, work: () => Promise<unknown>): Promise<Cost> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { time: (elapsedMs * 1e6) / operations, cpu: ((user + system) * 1000) / operations };
}

/** Milliseconds that `work` took. */
export async function elapsedMsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** For memory only, see `Cost`. The runner starts contestants with --expose-gc. */
function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('--expose-gc is missing');
  globalThis.gc();
}

/** Bytes of live objects, and of buffers outside the heap. */
export function liveBytes(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** `callers` at the same time, each doing `each` operations one after the other. */
export async function inParallel(callers: number, each: number, operation: (caller: number) => Promise<unknown>): Promise<void> {
  const caller = async (number: number): Promise<void> => {
    for (let done = 0; done < each; done += 1) await operation(number);
  };
  await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)));
}

/** How much a round does: `operations` scaled, in whole turns of all callers, at least one. */
export function turnsOf(operations: number, callers: number, scale: number): number {
  return Math.max(Math.floor((operations * scale) / callers), 1);
}

export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * fraction), sorted.length - 1)] as number;
}
