/**
 * Samples: what is open at the server that no known member accounts for.
 *
 * A member is asked to count the account's connections at the server. What each member with a lease had open at least, from before the question until
 * after the count, it had open when the server was counted. The rest are strangers: lost members, unknown ones, other programs.
 * A member's report counts when it was sent after the count: it names the sample as heard.
 */

import type { FleetEvidence, FleetMember, FleetRequest, FleetSample, FleetState } from '../contract/index.js';
import { longestStepMs } from './fleet-time.js';
import { mayBeUnknown } from './learning.js';

/** The part of a lease between two samples while there is something to watch. */
const BETWEEN_SAMPLES = 1 / 2;

/**
 * How long members may take to report, in leases. One whose message is lost reports later in its lease, and one that stays silent is lost itself when
 * its lease ends: then the sample is complete without it.
 */
const REPORTING_LEASES = 2;

export function isLive(member: FleetMember, time: number): boolean {
  return member.until >= time;
}

/** Whether a sample that began at `at` speaks of this lost member: its lease had ended, even if the ledger's clock leapt once. */
export function isProvable(member: FleetMember, at: number): boolean {
  return member.until + longestStepMs(member.leaseMs) <= at;
}

/** The part of a member's record that a report changes while a sample is on. */
export function sampleReport(
  known: FleetMember | undefined,
  request: FleetRequest,
  sample: FleetSample | undefined,
): Pick<FleetMember, 'fewest' | 'reported'> {
  if (sample === undefined) return {};
  const fewest = Math.min(known?.fewest ?? Infinity, request.openLeast);
  const counting = request.counted?.sample === sample.id;
  return { fewest, reported: counting || (sample.count !== undefined && request.heard >= sample.id) || known?.reported === true };
}

/** The sample with the count that this request brings. */
export function countedBy(sample: FleetSample | undefined, request: FleetRequest): FleetSample | undefined {
  if (sample === undefined || sample.count !== undefined || request.counted?.sample !== sample.id) return sample;
  return { ...sample, count: request.counted.connections };
}

/** What a sample shows once every member with a lease has reported. */
export function evidenceOf({ sample, members, time }: FleetState): FleetEvidence | undefined {
  if (sample?.count === undefined) return undefined;
  let strangers = sample.count;
  for (const member of members.values()) {
    if (!isLive(member, time)) continue;
    if (member.reported !== true) return undefined;
    strangers -= member.fewest ?? 0;
  }
  return { at: sample.since, strangers: Math.max(0, strangers) };
}

/** Whether the server should be counted now: there is something to prove or to watch, and the last sample is done or its counter does not answer. */
export function shouldAsk(state: FleetState, away: { readonly overhang: number; readonly lost: number }, leaseMs: number): boolean {
  const { sample, time, evidence } = state;
  if (sample !== undefined) return time - sample.since > leaseMs * (sample.count === undefined ? 1 : REPORTING_LEASES);
  if (time - (evidence?.at ?? -Infinity) < leaseMs * BETWEEN_SAMPLES) return false;
  return away.overhang > 0 || (away.lost > 0 && hasUnproven(state)) || (mayBeUnknown(state) && time >= state.learningUntil);
}

function hasUnproven({ members, time, evidence }: FleetState): boolean {
  for (const member of members.values()) {
    if (isLive(member, time)) continue;
    if (isProvable(member, time) && !isProvable(member, evidence?.at ?? -Infinity)) return true;
  }
  return false;
}

/** The state with a new sample, for which `asked` counts. Reports for an older one are forgotten. */
export function withSample(state: FleetState, asked: string): FleetState {
  const samples = state.samples + 1;
  const members = new Map<string, FleetMember>();
  for (const [id, member] of state.members) members.set(id, withoutReport(member));
  return { ...state, samples, sample: { id: samples, asked, since: state.time }, members };
}

/** The state after a sample has shown something. */
export function withEvidence(state: FleetState): FleetState {
  const evidence = evidenceOf(state);
  if (evidence === undefined) return state;
  const { sample: _done, ...rest } = state;
  return { ...rest, evidence };
}

/** A member that has not reported for the sample that is on. */
export function withoutReport(member: FleetMember): FleetMember {
  if (member.fewest === undefined) return member;
  const { fewest: _fewest, reported: _reported, ...rest } = member;
  return rest;
}
