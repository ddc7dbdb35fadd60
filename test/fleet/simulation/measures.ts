/** What a simulation is measured by. */

import type { FleetSimulation } from './fleet-simulation.js';

/** The part of the budget that is at work, of what could be: as much as is wanted, and as is not kept free as floors. */
export function usedPart(fleet: FleetSimulation): number {
  const { budget, processes, floor } = fleet.options;
  const reserve = Math.max(0, processes - fleet.processes.length) * floor;
  let wanted = 0;
  let idleFloors = 0;
  let used = 0;
  for (const process of fleet.processes) {
    wanted += process.demand;
    idleFloors += Math.max(0, floor - process.demand);
    used += Math.min(process.demand, process.holding.open);
  }
  return used / Math.min(budget - reserve - idleFloors, wanted);
}

/** Jain's index: 1 when all have the same, 1/n when one has all. */
export function jainsIndex(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return (sum * sum) / (shares.length * squares);
}
