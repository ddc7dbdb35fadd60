/** A simulated competition of rules for opening: each plays the same scenes, and hindsight shows what could have been. */

import { seededRandom } from '../runner/shuffle.js';
import { type Arrivals, type Outcome, play } from './arrivals.js';
import {
  type Contender,
  ONE_FOR_EACH_CALLER,
  oneAfterTheOther,
  oneForEachWaiter,
  ourPool,
  RivalPool,
  soManyAtOnce,
  type Start,
} from './contenders.js';
import { SimulatedTime } from './simulated-time.js';

/** What an opening counts beside the waits of callers, in times of its own length. Both sides have work with it, and the server keeps a thread for it. */
const PRICE_OF_OPENING = 1;

/** Numbers of openings that hindsight chooses among. */
const CHOICES = [0, 1, 2, 3, 5, 8, 12, 18, 26, 36, 45];

const CONTENDERS: Readonly<Record<string, (start: Start) => Contender | Promise<Contender>>> = {
  poolwright: (start) => ourPool(start),
  'poolwright, minIdle 5': (start) => ourPool(start, 5),
  mysql2: (start) => new RivalPool(start, ONE_FOR_EACH_CALLER),
  'tarn, generic-pool, sequelize-pool': (start) => new RivalPool(start, oneForEachWaiter),
  HikariCP: (start) => new RivalPool(start, oneAfterTheOther),
};

export const HINDSIGHT = 'the best number at once, in hindsight';

export const contenderNames: readonly string[] = [...Object.keys(CONTENDERS), HINDSIGHT];

/** Waits and openings as one number: milliseconds. */
export function costOf({ waitedMs, opened }: Outcome, { openMs }: Arrivals): number {
  return waitedMs + PRICE_OF_OPENING * opened * openMs;
}

export async function outcomeOf(name: string, arrivals: Arrivals, seed: number): Promise<Outcome> {
  const create = CONTENDERS[name];
  if (create !== undefined) return await playWith(create, arrivals, seed);
  const outcomes: Outcome[] = [];
  for (const count of CHOICES) outcomes.push(await playWith((start) => new RivalPool(start, soManyAtOnce(count)), arrivals, seed));
  return outcomes.reduce((best, one) => (costOf(one, arrivals) < costOf(best, arrivals) ? one : best));
}

async function playWith(create: (start: Start) => Contender | Promise<Contender>, arrivals: Arrivals, seed: number): Promise<Outcome> {
  const time = new SimulatedTime();
  let outcome: Outcome | undefined;
  await time.passUntil(
    (async () => {
      const pool = await create({ ...arrivals, time });
      outcome = await play(arrivals, pool, { time }, seededRandom(seed));
      await pool.close();
    })(),
  );
  return outcome as Outcome;
}
