/** A fleet's state as text: nothing is lost on the way, and it stays short. */

import { describe, expect, it } from 'vitest';
import type { FleetState } from '../../../src/fleet/contract/index.js';
import { decodeState, encodeState } from '../../../src/fleet/protocol/index.js';
import { runWithFaults } from '../simulation/faults.js';
import { FleetSimulation } from '../simulation/fleet-simulation.js';
import { randomFrom } from '../simulation/random.js';

function fleetOf(processes: number, seed: number): FleetSimulation {
  const options = { budget: processes * 5, processes: processes + 2, floor: 2, leaseMs: 10_000, lost: 0.02 };
  const fleet = new FleetSimulation({ ...options, random: randomFrom(seed) });
  for (let each = 0; each < processes; each++) fleet.start(8);
  return fleet;
}

/** States of a fleet under all faults: with lost members, samples that are on, and evidence. */
function statesOf(seed: number): readonly FleetState[] {
  const fleet = fleetOf(12, seed);
  const states: FleetState[] = [];
  for (let turn = 0; turn < 40; turn++) {
    runWithFaults(fleet, 1);
    if (fleet.state !== undefined) states.push(fleet.state);
  }
  return states;
}

describe("a fleet's state as text", () => {
  it.each([1, 2, 3])('comes back as it was: states of a fleet under all faults, seed %i', (seed) => {
    const states = statesOf(seed);
    expect(states.some(({ sample }) => sample !== undefined)).toBe(true);
    expect(states.some(({ evidence }) => evidence !== undefined)).toBe(true);
    for (const state of states) expect(decodeState(encodeState(state))).toEqual(state);
  });

  it('is at most 40 bytes for each member of a fleet of 200, with identifiers of 12 characters', () => {
    const fleet = fleetOf(200, 4);
    fleet.run(4);
    const { state } = fleet;
    if (state === undefined) throw new Error('the fleet has no state');
    // As after a day of renewals.
    const members = new Map([...state.members].map(([id, member]) => [id.padEnd(12, '_'), { ...member, seq: 100_000 }]));
    const text = encodeState({ ...state, members });
    expect(members.size).toBe(200);
    expect(Buffer.byteLength(text) / members.size).toBeLessThanOrEqual(40);
  });

  it('of another form counts as none', () => {
    const { state } = fleetOf(1, 5);
    expect(state).toBeUndefined();
    expect(decodeState('{"form":2,"members":[]}')).toBeUndefined();
  });
});
