/** The step of the ledger: one request on one state gives the next state and the answer. Pure: no clock, no chance, nothing read or written. */

import type { FleetMember, FleetReply, FleetRequest, FleetState } from '../contract/index.js';
import { type Away, awayOf, type InForce } from './away.js';
import { countedBy, isLive, isProvable, reportOf, shouldAsk, withEvidence, withSample } from './evidence.js';
import { inForceOf, mismatchOf } from './in-force.js';
import { isLearning, stateAt } from './learning.js';
import { sharesOf } from './shares.js';

/** A lost member of which a sample has spoken is remembered for so many leases; it may be cut off from the ledger only. */
const REMEMBERED_LEASES = 30;

/** A lost member of which no sample speaks, because nobody can count, is remembered for so many. */
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
  const world = worldOf(state, request);
  return { state, reply: answer(world, request, known, 0) };
}

/** A member that has closed its connections says farewell. */
function left(state: FleetState, request: FleetRequest): Stepped {
  const members = new Map(state.members);
  const known = members.get(request.id);
  members.delete(request.id);
  const after = withEvidence({ ...state, members });
  const gone = { ...memberOf(request, state, known), lease: 0, accounted: 0 };
  return { state: after, reply: answer(worldOf(after, request), request, gone, 0) };
}

function renewed(before: FleetState, known: FleetMember | undefined, request: FleetRequest): Stepped {
  const present = { ...memberOf(request, before, known), ...reportOf(known, request, before.sample) };
  const entered = withEvidence(entering(before, request, present));
  const world = worldOf(entered, request);
  const { lease, share } = world.learning ? { lease: Math.max(request.floor, request.committed), share: 0 } : leaseOf(world, request.id);
  const asks = shouldAsk(entered, world.away.overhang, request.leaseMs);
  const asked = asks ? withSample(entered, request.id) : entered;
  const granted: FleetMember = {
    ...asked.members.get(request.id)!,
    lease,
    accounted: Math.max(lease, request.committed),
    safe: Math.max(world.inForce.safe, request.safe),
  };
  const state = withMember(asked, request.id, granted);
  const reply = answer(worldOf(state, request), request, granted, Math.max(0, share - lease));
  return { state, reply: asks ? { ...reply, count: state.samples, soon: true } : reply };
}

/** The member as its request describes it: what it has committed itself to counts, until it is granted more. */
function memberOf(request: FleetRequest, { time }: FleetState, known: FleetMember | undefined): FleetMember {
  const { seq, committed, open, wanted, floor, budget, processes, leaseMs, safe } = request;
  const lease = Math.min(known?.lease ?? floor, committed);
  const since = known?.since ?? time;
  return { seq, lease, accounted: committed, until: time + leaseMs, open, wanted, floor, budget, processes, leaseMs, safe, since };
}

function entering(state: FleetState, request: FleetRequest, member: FleetMember): FleetState {
  const sample = countedBy(state.sample, request);
  return withMember(sample === undefined ? state : { ...state, sample }, request.id, member);
}

function withMember(state: FleetState, id: string, member: FleetMember): FleetState {
  return { ...state, members: new Map(state.members).set(id, member) };
}

/** The state as the rules see it. */
interface World {
  readonly state: FleetState;
  readonly inForce: InForce;
  readonly away: Away;
  readonly learning: boolean;
  readonly live: ReadonlyMap<string, FleetMember>;
  /** Connections that the members with a lease may have: what they have committed themselves to included. */
  readonly accounted: number;
}

function worldOf(state: FleetState, request: FleetRequest): World {
  const live = new Map<string, FleetMember>();
  let accounted = 0;
  for (const [id, member] of state.members) {
    if (!isLive(member, state.time)) continue;
    live.set(id, member);
    accounted += member.accounted;
  }
  const inForce = inForceOf(live, request);
  return { state, inForce, away: awayOf(state, live.size, inForce), learning: isLearning(state), live, accounted };
}

/** The lease and the share of a member: up to its share as far as connections are free, down to it as far as others need what it has. */
function leaseOf({ inForce, away, live, accounted }: World, id: string): { readonly lease: number; readonly share: number } {
  const available = inForce.budget - away.reserved - away.overhang;
  const claims = [...live.values()];
  const shares = sharesOf(claims, available);
  const index = [...live.keys()].indexOf(id);
  const member = claims[index]!;
  const share = shares[index]!;
  const present = member.lease;
  if (share >= present) {
    const free = available - (accounted - member.accounted);
    return { lease: Math.max(member.floor, Math.min(share, Math.max(present, free))), share };
  }
  const needed = claims.reduce((sum, each, at) => sum + Math.max(each.lease, shares[at]!), 0) - available;
  return { lease: Math.max(member.floor, present - Math.min(present - share, Math.max(0, needed))), share };
}

function answer(
  { state, inForce, away, learning, live, accounted }: World,
  request: FleetRequest,
  member: FleetMember,
  due: number,
): FleetReply {
  const { lease, leaseMs } = member;
  const { sample } = state;
  const mismatch = mismatchOf(live, inForce);
  return {
    seq: request.seq,
    lease,
    leaseMs,
    safe: inForce.safe,
    due,
    hungry: member.accounted > lease,
    soon: sample !== undefined && member.reported !== true && (sample.count !== undefined || sample.asked === request.id),
    sampled: sample === undefined || sample.count !== undefined ? state.samples : state.samples - 1,
    budget: inForce.budget,
    processes: inForce.processes,
    granted: accounted,
    reserved: away.reserved,
    overhang: away.overhang,
    members: live.size,
    lost: away.lost,
    learning,
    ...(mismatch === undefined ? {} : { mismatch }),
  };
}

/** Without the members that have been lost for so long that nothing keeps them. */
function withoutForgotten(state: FleetState): FleetState {
  const forgotten = [...state.members].filter(([, member]) => isForgotten(member, state)).map(([id]) => id);
  if (forgotten.length === 0) return state;
  const members = new Map(state.members);
  for (const id of forgotten) members.delete(id);
  return { ...state, members };
}

function isForgotten(member: FleetMember, { time, evidence }: FleetState): boolean {
  const leases = (time - member.until) / member.leaseMs;
  return (
    leases > (isProvable(member, evidence?.at ?? -Infinity) && evidence?.strangers === 0 ? REMEMBERED_LEASES : REMEMBERED_UNPROVEN_LEASES)
  );
}
