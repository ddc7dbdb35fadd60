import type { runSchedule } from './schedule.js';

/** Set by scripts/simulate.mjs. */
const { SIMULATION_RUNS, SIMULATION_SEED, SIMULATION_STEPS, SIMULATION_TRACE } = process.env;
export const firstSeed = Number(SIMULATION_SEED ?? 1);
const steps = Number(SIMULATION_STEPS ?? 60);

/** How many schedules to run: as many as are asked for, else `usual`. */
export function countOf(usual: number): number {
  return Number(SIMULATION_RUNS ?? usual);
}

/** What the pool has thrown where no code could catch it. */
const uncaught: unknown[] = [];

function note(error: unknown): void {
  uncaught.push(error);
}

/** Runs schedules from the first seed on, and returns how many. A failure names its seed, and how to see it again. */
export async function runSchedules(run: typeof runSchedule, runs: number, flags: readonly string[] = []): Promise<number> {
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  const startedAt = performance.now();
  let taken = 0;
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) taken += await runOne(run, seed, flags);
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`${runs} schedules, ${taken} steps in ${seconds.toFixed(1)} s: ${Math.round(taken / seconds)} steps per second`);
  process.off('unhandledRejection', note);
  process.off('uncaughtException', note);
  return taken / steps;
}

async function runOne(run: typeof runSchedule, seed: number, flags: readonly string[]): Promise<number> {
  try {
    const taken = await run(seed, steps, SIMULATION_TRACE === undefined ? undefined : console.log);
    if (uncaught.length > 0) throw uncaught[0];
    return taken;
  } catch (error) {
    const again = ['node scripts/simulate.mjs --runs 1 --seed', seed, '--steps', steps, ...flags, '--trace'].join(' ');
    throw new Error(`Schedule ${seed} failed: ${String(error)}. To see it again: ${again}`, { cause: error });
  }
}
