/** The step of the ledger: one request on one state gives the next state and the answer. Pure: no clock, no chance, nothing read or written. */

import type { FleetMember, FleetMismatch, FleetReply, FleetRequest, FleetSample, FleetState } from '../contract/index.js';
import { type Away, awayOf, type InForce } from './away.js';
import { countedBy, isLive, isProvable, sampleReport, shouldAsk, withEvidence, withSample } from './evidence.js';
import { inForceOf, mismatchOf } from './in-force.js';
import { isLearning, stateAt } from './learning.js';
import { sharesOf } from './shares.js';

/** A lost member of which a sample has spoken is remembered for this many leases; it may be cut off from the ledger only. */
const REMEMBERED_LEASES = 30;

/** A lost member of which no sample speaks, because no member can count, is remembered for this many. */
const REMEMBERED_UNPROVEN_LEASES = 100;

/** A state and an answer. */
export interface Stepped {
  readonly state: FleetState;
  readonly reply: FleetReply;
}

/** Carries one request out. `now` is the ledger's clock in milliseconds, `identity` the server that keeps the state. */
export function step(stored: FleetState | undefined, request: FleetRequest, now: number, identity: string): Stepped {
  const state = withoutForgotten(stateAt(stored, request, now, identity));
  const known = state.members.get(request.id);
  if (known !== undefined && request.seq <= known.seq) return repeated(state, known, request);
  if (request.kind === 'leave') return left(state, request);
  return renewed(state, known, request);
}

/** A request that was carried out already, or is older than one that was, changes nothing: its answer is the one that counts. */
function repeated(state: FleetState, known: FleetMember, request: FleetRequest): Stepped {
  return { state, reply: answer(worldOf(state, request), request, known, 0) };
}

/** A member that has closed its connections says farewell. */
function left(state: FleetState, request: FleetRequest): Stepped {
  const members = new Map(state.members);
  members.delete(request.id);
  const after = withEvidence({ ...state, members });
  const gone = { ...memberOf(request, state, undefined), lease: 0, accounted: 0 };
  return { state: after, reply: answer(worldOf(after, request), request, gone, 0) };
}

function renewed(before: FleetState, known: FleetMember | undefined, request: FleetRequest): Stepped {
  const present = { ...memberOf(request, before, known), ...sampleReport(known, request, before.sample) };
  // The one copy of the members that a step makes: it is this step's own until the step ends.
  const members = new Map(before.members).set(request.id, present);
  const entered = withEvidence({ ...before, ...withCount(before.sample, request), members });
  const world = worldOf(entered, request);
  const { lease, share } = world.learning ? enteringLease(request) : leaseOf(world, present);
  const granted = { ...present, lease, accounted: Math.max(lease, request.committed), safe: Math.max(world.inForce.safe, request.safe) };
  const accounted = world.accounted + granted.accounted - present.accounted;
  members.set(request.id, granted);
  const asks = shouldAsk(entered, world.away, request.leaseMs);
  const state = asks ? withSample(entered, request.id) : entered;
  const reply = answer({ ...world, state, accounted }, request, granted, Math.max(0, share - lease));
  return { state, reply: asks ? { ...reply, count: state.samples, soon: true } : reply };
}

/** The member as its request describes it: what it has committed itself to counts, until it is granted more. */
function memberOf(request: FleetRequest, { time }: FleetState, known: FleetMember | undefined): FleetMember {
  const { seq, committed, open, wanted, floor, budget, processes, leaseMs, safe } = request;
  const lease = Math.min(known?.lease ?? floor, committed);
  const since = known?.since ?? time;
  return { seq, lease, accounted: committed, until: time + leaseMs, open, wanted, floor, budget, processes, leaseMs, safe, since };
}

function withCount(before: FleetSample | undefined, request: FleetRequest): Pick<FleetState, 'sample'> {
  const sample = countedBy(before, request);
  return sample === undefined ? {} : { sample };
}

/** The state as the rules see it. */
interface World {
  readonly state: FleetState;
  readonly inForce: InForce;
  readonly away: Away;
  readonly learning: boolean;
  /** The members with a lease. */
  readonly live: readonly FleetMember[];
  /** Connections that they may have: what they have committed themselves to included. */
  readonly accounted: number;
  readonly mismatch: FleetMismatch | undefined;
}

function worldOf(state: FleetState, request: FleetRequest): World {
  const live: FleetMember[] = [];
  let accounted = 0;
  for (const member of state.members.values()) {
    if (!isLive(member, state.time)) continue;
    live.push(member);
    accounted += member.accounted;
  }
  const inForce = inForceOf(live, request);
  const mismatch = mismatchOf(state.members, live, inForce);
  return { state, inForce, away: awayOf(state, live.length, inForce), learning: isLearning(state), live, accounted, mismatch };
}

/** What a member gets, and what it would get if others had given back already. */
interface Granted {
  readonly lease: number;
  readonly share: number;
}

/** While the ledger learns, a member keeps what it says it has. */
function enteringLease({ floor, committed }: FleetRequest): Granted {
  const lease = Math.max(floor, committed);
  return { lease, share: lease };
}

/** The lease of a member: up to its share as far as connections are free, down to it as far as others need what it has. */
function leaseOf({ inForce, away, live, accounted }: World, member: FleetMember): Granted {
  const available = inForce.budget - away.reserved - away.overhang;
  const present = member.lease;
  let share = present;
  let needed = -available;
  const shares = sharesOf(live, available);
  for (let index = 0; index < live.length; index++) {
    const other = live[index] as FleetMember;
    const connections = shares[index] as number;
    if (other === member) share = connections;
    needed += Math.max(other.lease, connections);
  }
  if (share >= present) {
    const free = available - (accounted - member.accounted);
    return { lease: Math.max(member.floor, Math.min(share, Math.max(present, free))), share };
  }
  return { lease: Math.max(member.floor, present - Math.min(present - share, Math.max(0, needed))), share };
}

function answer(world: World, request: FleetRequest, member: FleetMember, due: number): FleetReply {
  const { state, inForce, away, learning, live, accounted, mismatch } = world;
  const { lease, leaseMs } = member;
  const { sample } = state;
  return {
    seq: request.seq,
    lease,
    leaseMs,
    safe: inForce.safe,
    due,
    hungry: member.accounted > lease,
    soon: sample?.count !== undefined && member.reported !== true,
    sampled: sample === undefined || sample.count !== undefined ? state.samples : state.samples - 1,
    budget: inForce.budget,
    processes: inForce.processes,
    granted: accounted,
    reserved: away.reserved,
    overhang: away.overhang,
    members: live.length,
    lost: away.lost,
    learning,
    ...(mismatch === undefined ? {} : { mismatch }),
  };
}

/** Without the members that have been lost for so long that nothing keeps them. */
function withoutForgotten(state: FleetState): FleetState {
  const forgotten: string[] = [];
  for (const [id, member] of state.members) if (isForgotten(member, state)) forgotten.push(id);
  if (forgotten.length === 0) return state;
  const members = new Map(state.members);
  for (const id of forgotten) members.delete(id);
  return { ...state, members };
}

function isForgotten(member: FleetMember, { time, evidence }: FleetState): boolean {
  if (isLive(member, time)) return false;
  const leases = (time - member.until) / member.leaseMs;
  return (
    leases > (isProvable(member, evidence?.at ?? -Infinity) && evidence?.strangers === 0 ? REMEMBERED_LEASES : REMEMBERED_UNPROVEN_LEASES)
  );
}
