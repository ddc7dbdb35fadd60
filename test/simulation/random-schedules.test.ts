import { expect, it } from 'vitest';
import { countOf, firstSeed, runSchedules } from './run-schedules.js';
import { runSchedule } from './schedule.js';

const runs = countOf(20_000);

it(`I1–I7, I10–I12: hold in ${runs} random schedules from seed ${firstSeed}`, { timeout: 24 * 3_600_000 }, async () => {
  expect(await runSchedules(runSchedule, runs)).toBe(runs);
});
