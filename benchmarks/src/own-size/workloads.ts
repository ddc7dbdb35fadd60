/** What statements ask of a simulated server. */

export type Random = () => number;

/** One use of a connection: first it waits for something that no other use takes from it, then it works for what all share. */
export interface Use {
  readonly waitMs: number;
  /** What it takes when it works alone. */
  readonly workMs: number;
}

export interface Workload {
  readonly name: string;
  readonly use: (random: Random) => Use;
  /** How fast each of so many works, beside one that works alone. */
  readonly speed: (working: number) => number;
}

export function exponential(random: Random, mean: number): number {
  return -Math.log(1 - random()) * mean;
}

export function logNormal(random: Random, median: number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(sigma * normal);
}

export function pareto(random: Random, least: number, alpha: number, most: number): number {
  return Math.min(least / (1 - random()) ** (1 / alpha), most);
}

const CORES = 8;

/** So many cores, and a little lost to each one that has to be switched to. */
export function cores(count: number, cost = 0.002): Workload['speed'] {
  return (working) => (working <= count ? 1 : count / working / (1 + cost * (working - count)));
}

/** A server of eight cores, and nothing but work for them. */
export const processorBound: Workload = {
  name: 'processor-bound',
  use: (random) => ({ waitMs: 0.5, workMs: exponential(random, 5) }),
  speed: cores(CORES),
};

/** Each takes 20 ms, however many run. */
export const waiting: Workload = {
  name: 'waiting',
  use: (random) => ({ waitMs: 18 + 4 * random(), workMs: 0 }),
  speed: () => 1,
};

/** One row that all of them change: one works at a time, and each that queues for it costs more. */
export const lockBound: Workload = {
  name: 'lock-bound',
  use: (random) => ({ waitMs: 1, workMs: 2 + exponential(random, 1) }),
  speed: (working) => 1 / working / (1 + 0.04 * (working - 1)),
};

/** Most are short, some wait, and a few take very long. */
export const mixed: Workload = {
  name: 'mixed, heavy tails',
  use: (random) => {
    const kind = random();
    if (kind < 0.7) return { waitMs: 0.5, workMs: exponential(random, 2) };
    if (kind < 0.97) return { waitMs: logNormal(random, 8, 1), workMs: 1 };
    return { waitMs: pareto(random, 20, 1.5, 3_000), workMs: pareto(random, 5, 1.5, 500) };
  },
  speed: cores(CORES),
};

/** A stretch of time with one workload. */
export interface Stretch {
  readonly workload: Workload;
  readonly seconds: number;
}

export interface Scene {
  readonly name: string;
  readonly stretches: readonly Stretch[];
  /** So many callers ask again as soon as they are answered. */
  readonly callers: number;
  /** How much longer than usual a use takes that begins at this millisecond; 1 if it is left out. */
  readonly slowness?: (now: number) => number;
}

const steps = [waiting, lockBound, processorBound, mixed, waiting, processorBound, lockBound].map((workload) => ({
  workload,
  seconds: 20,
}));

export const scenes: readonly Scene[] = [
  ...[processorBound, waiting, lockBound, mixed].map((workload) => ({
    name: workload.name,
    stretches: [{ workload, seconds: 60 }],
    callers: 200,
  })),
  { name: 'steps between them', stretches: steps, callers: 200 },
];
