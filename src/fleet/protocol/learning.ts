/** A ledger that may have lost its memory: it learns for one lease what is held, before it grants anything new. */

import type { FleetMember, FleetRequest, FleetState } from '../contract/index.js';
import { longestStepMs, timeAt } from './fleet-time.js';

/** After it has learned, a ledger that may have forgotten members keeps their safe share free for this many leases. */
const UNKNOWN_LEASES = 10;

/** The state at this step: time has passed, and a ledger without its memory, or a new one with an old copy, begins to learn. */
export function stateAt(stored: FleetState | undefined, request: FleetRequest, now: number, identity: string): FleetState {
  if (stored === undefined) return learning({ identity, time: 0, clock: now, samples: 0, members: new Map() }, request);
  const time = timeAt(stored, now, request.leaseMs);
  if (stored.identity === identity) return { ...stored, time, clock: now };
  const { samples } = stored;
  return learning({ identity, time, clock: now, samples: samples + 1, members: endedBy(time, stored.members) }, request);
}

/** Without evidence: what was seen at the server under another ledger says nothing about what that one granted since. */
function learning(state: Omit<FleetState, 'learningUntil' | 'unknownUntil'>, { leaseMs }: FleetRequest): FleetState {
  const learningUntil = state.time + leaseMs + longestStepMs(leaseMs);
  return { ...state, learningUntil, unknownUntil: learningUntil + UNKNOWN_LEASES * leaseMs };
}

/** Members of an old copy are lost until they come again: what they held is the best that is known of them. */
function endedBy(time: number, members: ReadonlyMap<string, FleetMember>): ReadonlyMap<string, FleetMember> {
  return new Map([...members].map(([id, member]) => [id, { ...member, until: Math.min(member.until, time - 1) }]));
}

/** Whether unknown members may exist. */
export function mayBeUnknown({ time, unknownUntil }: FleetState): boolean {
  return time < unknownUntil;
}

/** Whether nothing new may be granted: until every lease of another ledger has ended, and the server was counted after that, if it can be. */
export function isLearning(state: FleetState): boolean {
  if (state.time < state.learningUntil) return true;
  return mayBeUnknown(state) && !(state.evidence !== undefined && state.evidence.at >= state.learningUntil);
}
