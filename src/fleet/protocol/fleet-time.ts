/** The fleet's own time: made from the ledger's clock, so that a clock that is stepped ends no lease early. */

import type { FleetState } from '../contract/index.js';

/** The part of a lease by which the fleet's time advances at most between two steps. A busy fleet's steps are closer to each other than that. */
const LONGEST_STEP = 1 / 4;

/** The most that the fleet's time advances at once, in milliseconds: what a clock that leaps can be wrong by. */
export function longestStepMs(leaseMs: number): number {
  return leaseMs * LONGEST_STEP;
}

/** The fleet's time at a step, when the ledger's clock shows `now`. A clock that stepped back adds nothing, one that leapt at most one step. */
export function timeAt(state: FleetState, now: number, leaseMs: number): number {
  return state.time + Math.min(Math.max(0, now - state.clock), longestStepMs(leaseMs));
}
