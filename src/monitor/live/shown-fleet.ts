/** The fleet of a pool as JSON has it: its budget, its members with their leases, and how the ledger fares. */

import type { FleetMemberRow, FleetSnapshot } from '../../fleet/contract/index.js';
import { fleetIn, type ObservedPool } from '../../telemetry/index.js';

/** One member of a fleet, as JSON has it. */
export interface ShownMember extends FleetMemberRow {
  /** Whether it is the pool that was asked. */
  readonly own: boolean;
}

/** How a member fares with its ledger, as JSON has it. */
export interface ShownLedger extends Omit<FleetSnapshot['ledger'], 'ageMs' | 'roundTripMs' | 'failure'> {
  /** How long ago the last request was sent that was answered, in milliseconds; null: none was. */
  readonly ageMs: number | null;
  /** What an answer takes, in milliseconds; null: not known yet. */
  readonly roundTripMs: number | null;
  /** Why the last request failed; null: it did not. */
  readonly failure: string | null;
}

/** What a pool knows of its fleet, as JSON has it. Its size is bounded. */
export interface ShownFleet extends Omit<FleetSnapshot, 'budget' | 'congestion' | 'roster' | 'ledger'> {
  /** Null: not known yet. */
  readonly budget: number | null;
  /** The bound after refusals of the server; null: there is none. */
  readonly congestion: number | null;
  /** At most 50: the pool that was asked, then the lost ones, then those that have most. As it was when the ledger last answered. */
  readonly roster: readonly ShownMember[];
  /** How many more members there are. */
  readonly rosterLeftOut: number;
  readonly ledger: ShownLedger;
}

const MOST_MEMBERS = 50;
const MOST_WARNINGS = 10;
/** Ledgers and their errors may say more. */
const LONGEST_TEXT = 300;

export function isInFleet(pool: ObservedPool): boolean {
  return fleetIn(pool) !== undefined;
}

/** Null when the pool is in no fleet. */
export function shownFleet(pool: ObservedPool): ShownFleet | null {
  const fleet = fleetIn(pool);
  if (fleet === undefined) return null;
  const { roster, ledger, budget = null, congestion = null, warnings, ...plain } = fleet;
  const { ageMs = null, roundTripMs = null, failure, ...counts } = ledger;
  const members = roster
    .map((member): ShownMember => ({ ...member, own: member.id === fleet.id }))
    .sort((a, b) => rank(b) - rank(a) || b.accounted - a.accounted || b.ageMs - a.ageMs);
  return {
    ...plain,
    budget,
    congestion,
    roster: members.slice(0, MOST_MEMBERS),
    rosterLeftOut: Math.max(0, members.length - MOST_MEMBERS),
    ledger: { ...counts, ageMs, roundTripMs, failure: failure === undefined ? null : short(failure) },
    warnings: warnings.slice(0, MOST_WARNINGS).map(short),
  };
}

function rank({ own, leaseLeftMs }: ShownMember): number {
  if (own) return 2;
  return leaseLeftMs <= 0 ? 1 : 0;
}

function short(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text;
}
