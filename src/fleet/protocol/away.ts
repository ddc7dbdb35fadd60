/**
 * What must be left to members without a lease: lost ones, ones that are yet to come, and ones that the ledger has forgotten.
 *
 * A lost member counts with all that it had until a sample proves what it still has open. Then it counts with what it may keep without a lease, its safe
 * share, and the strangers at the server count beside that. Each other process that may exist counts with the floor, since it may open that much before it
 * has heard from the ledger.
 */

import type { FleetMember, FleetState } from '../contract/index.js';
import { isLive, isProvable } from './evidence.js';
import { mayBeUnknown } from './learning.js';

/** The options in force, and what depends on them. */
export interface InForce {
  readonly budget: number;
  readonly processes: number;
  readonly floor: number;
  readonly safe: number;
}

/** Connections that no member with a lease may be given. */
export interface Away {
  /** Kept free for members without a lease. */
  readonly reserved: number;
  /** What lost and unknown ones may still hold above that. */
  readonly overhang: number;
  /** Members that are lost. */
  readonly lost: number;
}

/** What a member may keep when its lease ends without an answer. */
export function keptWithoutLease({ accounted, safe, floor }: Pick<FleetMember, 'accounted' | 'safe' | 'floor'>): number {
  return Math.max(floor, Math.min(accounted, safe));
}

/** What must be left to members without a lease. */
export function awayOf(state: FleetState, live: number, inForce: InForce): Away {
  const unproven: FleetMember[] = [];
  const proven: FleetMember[] = [];
  if (live < state.members.size) {
    for (const member of state.members.values()) {
      if (isLive(member, state.time)) continue;
      (isProvable(member, state.evidence?.at ?? -Infinity) ? proven : unproven).push(member);
    }
  }
  const unknown = mayBeUnknown(state);
  const each = unknown ? inForce.safe : inForce.floor;
  const lost = unproven.length + proven.length;
  let reserved = 0;
  let overhang = 0;
  let places = Math.max(0, inForce.processes - live);
  for (const member of unproven) {
    const kept = keptWithoutLease(member);
    reserved += kept;
    overhang += Math.max(0, member.accounted - kept);
  }
  // Which of the lost ones still exist is not known: as many as there may be, and those that keep the most.
  const slots = [...unproven.map(({ accounted }) => ({ member: undefined, kept: accounted })), ...proven.map(slotOf)];
  slots.sort((one, other) => other.kept - one.kept);
  let above = 0;
  let least = Infinity;
  for (const { member, kept } of slots) {
    const placed = places > 0 && kept >= each;
    if (placed) places--;
    if (member === undefined) continue;
    if (placed) reserved += kept;
    above += member.accounted - (placed ? kept : 0);
    least = Math.min(least, placed ? kept : 0);
  }
  reserved += places * each;
  if (unknown && places > 0) least = Math.min(least, each);
  // If all strangers belong to one, then to the one that keeps the least: what it has open above that comes on top.
  const strangers = Math.max(0, (state.evidence?.strangers ?? 0) - (least === Infinity ? 0 : least));
  overhang += unknown ? strangers : Math.min(above, strangers);
  return { reserved, overhang, lost };
}

function slotOf(member: FleetMember): { readonly member: FleetMember; readonly kept: number } {
  return { member, kept: keptWithoutLease(member) };
}
