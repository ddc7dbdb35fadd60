/** Fleets of 20 and of 1 000 processes on a simulated clock: F1 to F6 at every step, fair shares, and a budget that follows demand. */

import { describe, expect, it } from 'vitest';
import { runWithFaults } from './faults.js';
import { FleetSimulation } from './fleet-simulation.js';
import { jainsIndex, usedPart } from './measures.js';
import { randomFrom } from './random.js';

const LEASE_MS = 10_000;
const long = process.env['FLEET_SIMULATION'] === 'long';
const seeds = Number(process.env['FLEET_SEEDS'] ?? 40);
/** The large fleet. */
const many = long ? 1_000 : 200;
const firstSeed = Number(process.env['FLEET_SEED'] ?? 1);

/** Until a new ledger has learned and has counted. */
const LEARNED = 4;

function fleetOf(
  count: number,
  perProcess: number,
  seed: number,
  options: { readonly processes?: number; readonly lost?: number } = {},
): FleetSimulation {
  const { processes = count, lost = 0 } = options;
  const fleet = new FleetSimulation({ budget: count * perProcess, processes, floor: 2, leaseMs: LEASE_MS, lost, random: randomFrom(seed) });
  for (let each = 0; each < count; each++) fleet.start(perProcess);
  return fleet;
}

function say(...words: unknown[]): void {
  if (long || process.env['FLEET_TRACE']) console.log(...words);
}

describe('every step of a simulated fleet keeps F1 to F6', () => {
  for (let seed = firstSeed; seed < firstSeed + (long ? seeds : 3); seed++) {
    it(`20 processes under all faults, seed ${seed}`, { timeout: 3_600_000 }, () => {
      const fleet = fleetOf(20, 5, seed, { processes: 22, lost: 0.02 });
      const done = runWithFaults(fleet, long ? 200 : 40);
      say(`seed ${seed}: ${done.length} faults, ${fleet.messages} messages, at most ${fleet.mostConnections} of ${fleet.options.budget}`);
      expect(fleet.broken).toEqual([]);
    });
  }

  it(`${many} processes under all faults`, { timeout: 3_600_000 }, () => {
    const fleet = fleetOf(many, 4, firstSeed, { processes: many + 10, lost: 0.02 });
    fleet.run(4);
    const done = runWithFaults(fleet, long ? 20 : 8, 4);
    // It had learned: else nothing but floors would have been put to the test.
    expect(fleet.mostConnections).toBeGreaterThan(0.8 * fleet.options.budget);
    say(`${many} processes: ${done.length} faults, at most ${fleet.mostConnections} of ${fleet.options.budget}`);
    expect(fleet.broken).toEqual([]);
    expect(new Set(done).size).toBeGreaterThanOrEqual(8);
  });
});

describe('the budget follows demand', () => {
  for (const [count, perProcess] of long
    ? ([
        [20, 5],
        [100, 8],
        [1_000, 4],
      ] as const)
    : ([[20, 5]] as const)) {
    it(`${count} processes: fair under equal demand, at work within two leases after demand moved, quiet while nothing changes`, {
      timeout: 3_600_000,
    }, () => {
      const fleet = fleetOf(count, perProcess, firstSeed);
      fleet.run(LEARNED);
      for (const process of fleet.processes) fleet.want(process, perProcess * 3);
      fleet.run(2);
      const jain = jainsIndex(fleet.processes.map((process) => fleet.ceiling(process)));
      fleet.run(1);
      const before = fleet.messages;
      fleet.run(3);
      const rate = (fleet.messages - before) / count / ((3 * LEASE_MS) / 1_000);
      for (const [index, process] of fleet.processes.entries()) fleet.want(process, index % 5 === 0 ? perProcess * 4 : 0);
      fleet.run(2);
      const moved = usedPart(fleet);
      for (const [index, process] of fleet.processes.entries()) fleet.want(process, index % 5 === 1 ? perProcess * 4 : 0);
      fleet.run(2);
      const movedAgain = usedPart(fleet);
      say(
        `${count} processes: Jain ${jain.toFixed(3)}, ${rate.toFixed(2)} messages per process and second, ${moved.toFixed(3)} and ${movedAgain.toFixed(3)} of the budget at work`,
      );
      expect(fleet.broken).toEqual([]);
      expect(jain).toBeGreaterThanOrEqual(0.95);
      expect(rate).toBeLessThanOrEqual(1);
      expect(moved).toBeGreaterThanOrEqual(0.95);
      expect(movedAgain).toBeGreaterThanOrEqual(0.95);
    });
  }
});

describe('a rolling deployment', () => {
  it('starts twice the processes without a refused connection', () => {
    const fleet = fleetOf(20, 5, firstSeed, { processes: 40 });
    fleet.run(LEARNED);
    const old = [...fleet.processes];
    const refusedBefore = fleet.processes.reduce((sum, { refused }) => sum + refused, 0);
    for (let each = 0; each < 20; each++) {
      fleet.start(5);
      fleet.tick();
    }
    fleet.run(1);
    for (const process of old) {
      fleet.leave(process);
      fleet.tick();
    }
    fleet.run(2);
    expect(fleet.broken).toEqual([]);
    expect(fleet.processes.reduce((sum, { refused }) => sum + refused, 0) + refusedBefore).toBe(0);
    expect(fleet.processes.every(({ holding }) => holding.open >= 3)).toBe(true);
  });
});
