/** The options in force among members that say different things: the smallest budget, the largest number of processes, the largest floor. */

import type { FleetMember, FleetMismatch, FleetRequest } from '../contract/index.js';
import type { InForce } from './away.js';

/** What each process may keep when it has lost the ledger: an even part of the budget, no less than its floor. */
export function safeShare(budget: number, processes: number, floor: number): number {
  return Math.max(floor, Math.floor(budget / Math.max(1, processes)));
}

/** The options in force; those of the request alone when no member has a lease. */
export function inForceOf(live: readonly FleetMember[], request: Pick<FleetRequest, 'budget' | 'processes' | 'floor'>): InForce {
  let { budget, processes, floor } = request;
  for (const member of live) {
    budget = Math.min(budget, member.budget);
    processes = Math.max(processes, member.processes);
    floor = Math.max(floor, member.floor);
  }
  return { budget, processes, floor, safe: safeShare(budget, processes, floor) };
}

/** The first difference between what is in force and what a member with a lease says. */
export function mismatchOf(
  members: ReadonlyMap<string, FleetMember>,
  live: readonly FleetMember[],
  inForce: InForce,
): FleetMismatch | undefined {
  const different = live.find(({ budget, processes }) => budget !== inForce.budget || processes !== inForce.processes);
  if (different === undefined) return undefined;
  const { budget, processes } = different;
  for (const [member, record] of members) {
    if (record !== different) continue;
    if (budget !== inForce.budget) return { option: 'budget', used: inForce.budget, other: budget, member };
    return { option: 'processes', used: inForce.processes, other: processes, member };
  }
  throw new Error('bug: a member with a lease is not among the members');
}
