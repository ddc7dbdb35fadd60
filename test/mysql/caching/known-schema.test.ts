import { performance } from '../../../src/engine/waiting/index.js';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createQueryCache } from '../../../src/cache/index.js';
import { KnownSchema } from '../../../src/mysql/caching/known-schema.js';
import { seededRandom } from '../../engine/support/random.js';
import { Dice } from '../../simulation/dice.js';
import { type Conditions, type Outcome, SimulatedWrites } from './simulated-writes.js';

/** Rates of each writer's writes, and pauses between them. */
const RATES: readonly (readonly [rate: string, writers: number, writePauseMs: number])[] = [
  ['no', 0, 0],
  ['10', 1, 100],
  ['100', 1, 9],
  ['1 000', 4, 2.5],
  ['as many as there can be', 3, 0],
];

const CALLS = ['CALL harmless()'];
const ALL_SHOCKS = [
  'CALL harmless()',
  'CALL makes_triggers()',
  'EXECUTE makes_triggers',
  'CREATE TRIGGER changes BEFORE UPDATE ON written FOR EACH ROW UPDATE shadow SET v = v + 1',
];

afterEach(() => {
  vi.restoreAllMocks();
});

async function outcomeOf(seed: number, conditions: Partial<Conditions>): Promise<Outcome> {
  const readingMs = conditions.readingMs ?? 20;
  const world = new SimulatedWrites(new Dice(seededRandom(seed)), {
    writers: 1,
    writePauseMs: 10,
    readingMs,
    failingReadings: 0,
    shockPauseMs: [1_000, 2_500],
    shocks: CALLS,
    // What docs/caching.md says: half a second, and ten times the time of a reading.
    recoveryMs: 500 + 10 * readingMs,
    lastsMs: 8_000,
    ...conditions,
  });
  vi.spyOn(performance, 'now').mockImplementation(() => world.now);
  return await world.run();
}

/** The rate that docs/caching.md says. */
function expectFewReadings({ readings, mostReadingsAtOnce, readingTimeMs }: Outcome, lastedMs: number, readingMs: number): void {
  expect(mostReadingsAtOnce).toBe(1);
  expect(readings).toBeLessThanOrEqual(3 + lastedMs / 250);
  expect(readingTimeMs).toBeLessThanOrEqual(lastedMs / 10 + 4 * readingMs);
}

describe('hits among writes and statements of unknown effect', () => {
  it.each(RATES)('come back soon, and nothing is stale: %s writes a second', async (_, writers, writePauseMs) => {
    for (const [seed, readingMs] of [5, 20, 90].entries()) {
      const outcome = await outcomeOf(seed, { writers, writePauseMs, readingMs });
      expect(outcome.stale).toEqual([]);
      expect(outcome.calmReads).toBeGreaterThan(100);
      expect(outcome.calmMisses).toBeLessThan(outcome.calmReads / 20);
      expectFewReadings(outcome, 8_000, readingMs);
    }
  });

  it.each(RATES)('are never stale while triggers come and go unseen: %s writes a second', async (_, writers, writePauseMs) => {
    for (let seed = 0; seed < 4; seed += 1) {
      const outcome = await outcomeOf(seed, { writers, writePauseMs, shocks: ALL_SHOCKS, shockPauseMs: [20, 900], lastsMs: 5_000 });
      expect(outcome.stale).toEqual([]);
      expectFewReadings(outcome, 5_000, 20);
    }
  });

  it('are never stale while the schema cannot always be read', async () => {
    for (let seed = 0; seed < 4; seed += 1) {
      const outcome = await outcomeOf(seed, { failingReadings: 15, shocks: ALL_SHOCKS, shockPauseMs: [50, 900], writePauseMs: 2 });
      expect(outcome.stale).toEqual([]);
      expectFewReadings(outcome, 8_000, 20);
    }
  });

  it('are there between the statements while one comes after the other', async () => {
    const outcome = await outcomeOf(1, { shockPauseMs: [20, 20], recoveryMs: 0, lastsMs: 4_000 });
    expect(outcome.stale).toEqual([]);
    expect(outcome.calmMisses).toBeLessThan(outcome.calmReads * 0.9);
    expectFewReadings(outcome, 4_000, 20);
  });
});

describe('a reading that fails', () => {
  it('is begun again after a second, however long it took', async () => {
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    let readings = 0;
    const read = async (): Promise<never> => {
      readings += 1;
      now += 10_000;
      throw new Error('There was no answer in time.');
    };
    const schema = new KnownSchema(read, createQueryCache({}));
    expect(schema.at(now)).toBeUndefined();
    await schema.settled;
    await setImmediate();
    expect(schema.at(now + 999)).toBeUndefined();
    expect(readings).toBe(1);
    expect(schema.at(now + 1_000)).toBeUndefined();
    expect(readings).toBe(2);
    await schema.settled;
  });
});
