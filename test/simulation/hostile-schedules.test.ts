import { expect, it } from 'vitest';
import { countOf, firstSeed, runSchedules } from './run-schedules.js';
import { runHostileSchedule } from './schedule.js';

const runs = countOf(10_000);

it(`I1–I7, I10–I12: hold in ${runs} schedules from seed ${firstSeed} whose callers use the pool inside its callbacks, and throw`, {
  timeout: 24 * 3_600_000,
}, async () => {
  expect(await runSchedules(runHostileSchedule, runs, ['--hostile'])).toBe(runs);
});
