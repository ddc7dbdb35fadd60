/** Scenes that nothing was tuned by: the five kinds of workload with other numbers, drawn at random. */

import { cores, exponential, logNormal, pareto, type Random, type Scene, type Use, type Workload } from './workloads.js';

export const KINDS = ['processor-bound', 'waiting', 'lock-bound', 'mixed', 'steps'] as const;
export type Kind = (typeof KINDS)[number];

/** A scene of one kind, the same for the same sequence of numbers. */
export function drawnScene(kind: Kind, random: Random): Scene {
  const callers = pick(random, [50, 120, 300, 500]);
  const amplitude = pick(random, [0, 0.05, 0.15]);
  const phase = 1_000 * random();
  const common = { name: kind, callers, slowness: (now: number) => slowness(now + phase, amplitude) };
  if (kind !== 'steps') return { ...common, stretches: [{ workload: workloads[kind](random), seconds: 60 }] };
  const order = ['waiting', 'lock-bound', 'processor-bound', 'mixed'] as const;
  const stretches = Array.from({ length: 5 }, () => ({
    workload: workloads[pick(random, order)](random),
    seconds: Math.round(between(random, 12, 40)),
  }));
  return { ...common, stretches };
}

const workloads: Readonly<Record<Exclude<Kind, 'steps'>, (random: Random) => Workload>> = {
  'processor-bound': (random) => {
    const count = pick(random, [2, 4, 12, 24]);
    const workMs = law(random, Math.max(between(random, 2, 30), count / 3));
    const waitMs = pick(random, [0.2, 1, 5]);
    return {
      name: `processor-bound, ${count} cores, ${workMs.name}`,
      use: (uses) => ({ waitMs, workMs: workMs.of(uses) }),
      speed: cores(count, between(random, 0, 0.01)),
    };
  },
  waiting: (random) => {
    const waitMs = law(random, between(random, 15, 120));
    return { name: `waiting, ${waitMs.name}`, use: (uses) => ({ waitMs: waitMs.of(uses), workMs: 0 }), speed: () => 1 };
  },
  'lock-bound': (random) => {
    const waitMs = pick(random, [0.3, 2, 10]);
    const workMs = law(random, between(random, 1.5, 12));
    const use = (uses: Random): Use => ({ waitMs, workMs: workMs.of(uses) });
    const cost = between(random, 0, 0.1);
    const rows = pick(random, [1, 2, 4]);
    if (random() < 0.5) {
      const speed = (working: number): number => Math.min(1, rows / working) / (1 + cost * Math.max(working - rows, 0));
      return { name: `${rows} locked rows, cost ${cost.toFixed(3)}, ${workMs.name}`, use, speed };
    }
    // N. Gunther's law of scalability: what queues for each other, and what each has to ask of each.
    const contention = between(random, 0.02, 0.3);
    const coherence = between(random, 0.0005, 0.01);
    const speed = (working: number): number => 1 / (1 + contention * (working - 1) + coherence * working * (working - 1));
    return { name: `contention ${contention.toFixed(2)}, coherence ${coherence.toFixed(4)}, ${workMs.name}`, use, speed };
  },
  mixed: (random) => {
    const count = pick(random, [2, 4, 12, 24]);
    const short = between(random, 0.4, 0.9);
    const long = between(random, 0.005, 0.05);
    const alpha = between(random, 1.3, 2);
    const workMs = Math.max(between(random, 1, 5), count / 4);
    const waitMs = between(random, 4, 30);
    const use = (uses: Random): Use => {
      const which = uses();
      if (which < long) return { waitMs: pareto(uses, 20, alpha, 3_000), workMs: pareto(uses, 5, alpha, 500) };
      if (which < long + short) return { waitMs: 0.5, workMs: exponential(uses, workMs) };
      return { waitMs: logNormal(uses, waitMs, 1), workMs: 1 };
    };
    return {
      name: `mixed, ${count} cores, ${workMs.toFixed(1)} ms and ${waitMs.toFixed(0)} ms`,
      use,
      speed: cores(count, between(random, 0, 0.01)),
    };
  },
};

/** How long something takes, of one mean and one of three shapes. */
function law(random: Random, mean: number): { readonly name: string; readonly of: (random: Random) => number } {
  const shape = pick(random, ['exponential', 'log-normal', 'Pareto'] as const);
  const name = `${shape} ${mean.toFixed(1)} ms`;
  if (shape === 'exponential') return { name, of: (uses) => exponential(uses, mean) };
  if (shape === 'log-normal') {
    const sigma = between(random, 0.4, 1.2);
    return { name, of: (uses) => logNormal(uses, mean * Math.exp(-(sigma ** 2) / 2), sigma) };
  }
  const alpha = between(random, 1.6, 2.5);
  return { name, of: (uses) => pareto(uses, (mean * (alpha - 1)) / alpha, alpha, 300 * mean) };
}

/** How much longer everything takes at a time: others use the server, too. */
function slowness(now: number, amplitude: number): number {
  return 1 + (amplitude * (Math.sin(now / 173) + Math.sin(now / 710) + Math.sin(now / 2_930))) / 3;
}

function between(random: Random, least: number, most: number): number {
  return least + (most - least) * random();
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}
