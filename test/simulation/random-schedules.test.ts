import { expect, it } from 'vitest';
import { runSchedule } from './schedule.js';

/** Set by scripts/simulate.mjs. */
const { SIMULATION_RUNS, SIMULATION_SEED, SIMULATION_STEPS, SIMULATION_TRACE } = process.env;
const runs = Number(SIMULATION_RUNS ?? 20_000);
const firstSeed = Number(SIMULATION_SEED ?? 1);
const steps = Number(SIMULATION_STEPS ?? 60);

/** What the pool has thrown where nobody could catch it. */
const uncaught: unknown[] = [];

function note(error: unknown): void {
  uncaught.push(error);
}

async function run(seed: number): Promise<number> {
  try {
    const taken = await runSchedule(seed, steps, SIMULATION_TRACE === undefined ? undefined : console.log);
    if (uncaught.length > 0) throw uncaught[0];
    return taken;
  } catch (error) {
    const again = `node scripts/simulate.mjs --runs 1 --seed ${seed} --steps ${steps} --trace`;
    throw new Error(`Schedule ${seed} failed: ${String(error)}. To see it again: ${again}`, { cause: error });
  }
}

it(`I1–I7, I10–I12: hold in ${runs} random schedules from seed ${firstSeed}`, { timeout: 24 * 3_600_000 }, async () => {
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  const startedAt = performance.now();
  let taken = 0;
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) taken += await run(seed);
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`${runs} schedules, ${taken} steps in ${seconds.toFixed(1)} s: ${Math.round(taken / seconds)} steps per second`);
  process.off('unhandledRejection', note);
  process.off('uncaughtException', note);
  expect(taken).toBe(runs * steps);
});
