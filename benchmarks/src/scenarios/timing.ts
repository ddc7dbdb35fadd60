import { performance } from 'node:perf_hooks';

/** Time and processor time of this process for each of `operations`, in nanoseconds. */
export interface Cost {
  readonly time: number;
  readonly cpu: number;
}

export async function costOf(operations: number, work: () => Promise<unknown>): Promise<Cost> {
  collectGarbage();
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

/** The runner starts contestants with --expose-gc. */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('--expose-gc is missing');
  globalThis.gc();
}

/** Bytes of live objects. */
export function heapUsed(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
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
