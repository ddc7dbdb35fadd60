/** The fleet of a pool as JSON has it: its budget, its members with their leases, and how the ledger fares. */

import type { FleetDenial, FleetMemberRow, FleetPhase, FleetSnapshot } from '../../fleet/contract/index.js';
import { fleetIn, type ObservedPool } from '../../telemetry/index.js';

/** One member of a fleet, as JSON has it. */
export interface ShownMember extends FleetMemberRow {
  /** Whether it is the pool that was asked. */
  readonly own: boolean;
}

/** How a member fares with its ledger, as JSON has it. */
export interface ShownLedger {
  readonly kind: FleetSnapshot['ledger']['kind'];
  /** How long ago the last request was sent that was answered, in milliseconds; null: none was. */
  readonly ageMs: number | null;
  /** What an answer takes, in milliseconds; null: not known yet. */
  readonly roundTripMs: number | null;
  readonly answers: number;
  readonly failures: number;
  /** Why the last request failed; null: it did not. */
  readonly failure: string | null;
}

/** What a pool knows of its fleet, as JSON has it. Its size is bounded. The numbers are explained in {@link FleetSnapshot}. */
export interface ShownFleet {
  readonly name: string;
  readonly id: string;
  readonly dryRun: boolean;
  readonly phase: FleetPhase;
  readonly phaseMs: number;
  readonly lease: number;
  readonly ceiling: number;
  readonly leaseMs: number;
  readonly leaseLeftMs: number;
  readonly open: number;
  readonly demand: number;
  readonly due: number;
  readonly floor: number;
  readonly safeShare: number;
  /** Null: not known yet. */
  readonly budget: number | null;
  readonly processes: number;
  readonly granted: number;
  readonly reserved: number;
  readonly overhang: number;
  readonly members: number;
  readonly lost: number;
  /** At most 50: the pool that was asked, then the lost ones, then those that have most. As it was when the ledger last answered. */
  readonly roster: readonly ShownMember[];
  /** How many more members there are. */
  readonly rosterLeftOut: number;
  readonly ledger: ShownLedger;
  readonly denied: Readonly<Record<FleetDenial, number>>;
  /** The bound after refusals of the server; null: there is none. */
  readonly congestion: number | null;
  /** What is wrong, with the numbers; at most 10. */
  readonly warnings: readonly string[];
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
