/** F1 to F6 with real processes, a real server and a real Redis: the server's own list of connections is looked at every 10 ms. */

import { describe, expect, it } from 'vitest';
import { randomFrom } from '../simulation/random.js';
import { REAL_FAULTS } from './faults.js';
import { RealFleet, type RealFleetOptions } from './real-fleet.js';
import { runFaults, shuffledBy } from './run.js';

const long = process.env['FLEET_REAL'] === 'long';
const seed = Number(process.env['FLEET_SEED'] ?? 1);
const count = Number(process.env['FLEET_PROCESSES'] ?? 20);

const leaseMs = Number(process.env['FLEET_LEASE'] ?? 2_000);

const OPTIONS: RealFleetOptions = long
  ? { count, processes: 2 * count, budget: 8 * count, leaseMs, pace: 1, statementSeconds: 0.05, throughNetwork: count / 2 }
  : { count: 4, processes: 6, budget: 18, leaseMs: 1_000, pace: 0.5, statementSeconds: 0.03, throughNetwork: 1 };

/** The short form: what the tests of test/fleet/pools do not do with processes. */
const SHORT = ['processes are killed (SIGKILL) and replaced', 'a replica without the last writes takes over from the ledger'];

function say(line: string): void {
  if (long || process.env['FLEET_TRACE']) console.log(line);
}

describe('a fleet of real processes', () => {
  it('keeps its budget at the server under all faults, and keeps working', { timeout: 1_200_000 }, async () => {
    const random = randomFrom(seed);
    const faults = shuffledBy(random, long ? REAL_FAULTS : REAL_FAULTS.filter(({ name }) => SHORT.includes(name)));
    say(`seed ${seed}: ${OPTIONS.count} processes, a budget of ${OPTIONS.budget}, leases of ${OPTIONS.leaseMs} ms`);
    const fleet = await RealFleet.start(OPTIONS);
    try {
      const found = await runFaults(fleet, faults, random, say);
      const refusals = await fleet.refusals();
      const { samples, above } = fleet.sampler;
      say(
        `${samples} samples, ${above.length} above the budget; ${refusals} refusals by the server; failed: ${found.failures.join(', ') || 'none'}`,
      );
      expect(above).toEqual([]);
      expect(refusals).toBe(0);
      expect(found.failures).toEqual([]);
      expect(found.phases.flatMap(({ fault, stuck }) => stuck.map((name) => `${fault}: ${name}`))).toEqual([]);
    } finally {
      await fleet.stop();
    }
  });
});
