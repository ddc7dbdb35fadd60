/** A campaign of hostile calls: each case comes from its own seed, and what must hold is checked for each case and after each batch. */

import { performance } from 'node:perf_hooks';
import { Dice } from '../simulation/dice.js';
import { seededRandom } from '../engine/support/random.js';
import { imbalanceOf } from '../support/pool-on-database.js';
import type { PoolStats } from '../../src/mysql/pools/pool-stats.js';
import { Answers, type Doors } from './doors.js';
import { hostileText } from './hostile-texts.js';
import { hostileStatement, hostileValues } from './hostile-values.js';

/** How many calls are under way at a time. */
const BATCH = 192;

/** Only ends calls that are never answered: a loaded machine may take long. */
const NEVER_MS = Number(process.env['FUZZ_PATIENCE_MS'] ?? 60_000);

/** What a campaign has seen. */
export interface CampaignReport {
  readonly cases: number;
  /** The longest time that one call has held up the event loop, in milliseconds by MiB of its text, among texts of 256 KiB and more. */
  readonly longestStall: { readonly msPerMib: number; readonly door: string; readonly seed: number };
}

/** What has ended the process in a program since it was last asked. */
export interface UncaughtErrors {
  readonly errors: readonly unknown[];
}

/** @throws Error that names the seed of what did not hold */
export async function runCampaign(
  doors: Doors,
  uncaught: UncaughtErrors,
  { seed, cases, longest }: { readonly seed: number; readonly cases: number; readonly longest: number },
): Promise<CampaignReport> {
  let longestStall = { msPerMib: 0, door: '', seed };
  for (let start = seed; start < seed + cases; start += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, seed + cases - start) }, (_, index) => runCase(doors, start + index, longest));
    for (const { seed: own, door, sql, heldUpMs, answers } of batch) {
      await within(answers.first, `Seed ${own}: ${door} was never answered. Text: ${JSON.stringify(sql.slice(0, 300))}`);
      const msPerMib = (heldUpMs * 1_048_576) / sql.length;
      if (sql.length >= 262_144 && msPerMib > longestStall.msPerMib) longestStall = { msPerMib, door, seed: own };
    }
    await settled(doors, start);
    // What is answered twice is so by the next ticks.
    await new Promise((resolve) => setImmediate(resolve));
    for (const { seed: own, door, answers } of batch)
      if (answers.count !== 1) throw new Error(`Seed ${own}: ${door} was answered ${answers.count} times.`); // prettier-ignore
    if (uncaught.errors.length > 0) {
      console.error(uncaught.errors[0]);
      throw new Error(`Seeds ${start} to ${start + batch.length - 1}: uncaught ${String(uncaught.errors[0])}`, {
        cause: uncaught.errors[0],
      }); // prettier-ignore
    }
  }
  return { cases, longestStall };
}

function runCase(
  doors: Doors,
  seed: number,
  longest: number,
): { seed: number; door: string; sql: string; heldUpMs: number; answers: Answers } {
  const dice = new Dice(seededRandom(seed));
  const door = dice.of(Object.keys(doors.calls));
  const sql = hostileText(dice, longest);
  const statement = hostileStatement(dice, sql);
  const values = hostileValues(dice);
  const answers = new Answers();
  if (process.env['FUZZ_TRACE']) console.log(seed, door, statement, values);
  const startedAt = performance.now();
  try {
    doors.calls[door]?.(answers, statement, values, dice);
  } catch (error) {
    // A call that is refused at once has its answer.
    answers.note(error);
  }
  return { seed, door, sql, heldUpMs: performance.now() - startedAt, answers };
}

/** All connections come back, and the counters add up (I12). */
async function settled(doors: Doors, seed: number): Promise<void> {
  const deadline = performance.now() + NEVER_MS;
  for (const pool of doors.pools) {
    while (isBusy(pool.stats())) {
      if (performance.now() > deadline)
        throw new Error(`From seed ${seed}: ${pool.name} does not get its connections back: ${JSON.stringify(pool.summary())}`); // prettier-ignore
      await new Promise((resolve) => setImmediate(resolve));
    }
    const imbalance = imbalanceOf(pool.stats());
    if (imbalance.length > 0) throw new Error(`From seed ${seed}: ${imbalance.join('; ')}`);
  }
}

function isBusy({ used, waiting, checking }: PoolStats): boolean {
  return used > 0 || waiting > 0 || checking > 0;
}

function within(answer: Promise<unknown>, message: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(message)), NEVER_MS);
    void answer.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
