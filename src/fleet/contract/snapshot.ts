/** What a member says of itself and of its fleet: a frozen picture, and the changes that it reports. */

/** Where a member stands with its ledger. See {@link FleetSnapshot.phase}. */
export type FleetPhase = 'starting' | 'learning' | 'leased' | 'safe share' | 'left';

/** Why callers waited at a ceiling that was not raised. */
export type FleetDenial = 'budget' | 'learning' | 'ledger' | 'congestion';

/** A member as the ledger knows it. */
export interface FleetMemberRow {
  readonly id: string;
  /** Connections that it may have. */
  readonly lease: number;
  /** Connections that count as its own until it has closed them. */
  readonly accounted: number;
  readonly open: number;
  readonly wanted: number;
  /** For how long it has been a member, in milliseconds. */
  readonly ageMs: number;
  /** How long its lease still lasts, in milliseconds; below 0: it is lost. */
  readonly leaseLeftMs: number;
}

/** What a member knows now. Every number of connections counts the ones beside the pool too. */
export interface FleetSnapshot {
  /** The fleet, with the server that it is for. */
  readonly name: string;
  /** This member. */
  readonly id: string;
  /** Only shows what it would do: the pool keeps its own limit. */
  readonly dryRun: boolean;
  /**
   * 'starting': the ledger has not answered yet, and the member has its floor. 'learning': the ledger has lost its memory; members keep what they hold.
   * 'leased': a lease is in force. 'safe share': the lease has ended without an answer. 'left': the pool was closed.
   */
  readonly phase: FleetPhase;
  /** For how long it has been in this phase, in milliseconds. */
  readonly phaseMs: number;
  /** Connections that the ledger's last answer allows; the floor before the first. */
  readonly lease: number;
  /** The most that the member opens now: the lease, the safe share, or less while the server refuses connections. */
  readonly ceiling: number;
  /** How long a lease lasts, in milliseconds. */
  readonly leaseMs: number;
  /** How long the lease still lasts, in milliseconds; 0: none is in force. */
  readonly leaseLeftMs: number;
  readonly open: number;
  /** Connections that the member could use: the peak of the last lease. */
  readonly demand: number;
  /** Connections that it will be offered when others have closed them. */
  readonly due: number;
  readonly floor: number;
  readonly safeShare: number;
  /** The budget in force; undefined: not known yet. */
  readonly budget: number | undefined;
  readonly processes: number;
  /** Connections that all members may have. */
  readonly granted: number;
  /** Connections kept free for members that are away. */
  readonly reserved: number;
  /** Connections above the reserve that lost and unknown members may still hold. */
  readonly overhang: number;
  readonly members: number;
  readonly lost: number;
  /** All members that the ledger knows, as it was at the last answer. */
  readonly roster: readonly FleetMemberRow[];
  readonly ledger: {
    readonly kind: 'redis' | 'database' | 'own';
    /** How long ago the last request was sent that was answered, in milliseconds; undefined: none was. */
    readonly ageMs: number | undefined;
    /** What an answer takes: the least of the last five, in milliseconds. */
    readonly roundTripMs: number | undefined;
    readonly answers: number;
    readonly failures: number;
    /** Why the last request failed, if it did. */
    readonly failure: string | undefined;
  };
  /** How often callers waited at the ceiling when it was looked at, by why it was not raised; 'congestion': refusals of the server. */
  readonly denied: Readonly<Record<FleetDenial, number>>;
  /** The bound after refusals of the server; undefined: there is none. */
  readonly congestion: number | undefined;
  /** What is wrong with the fleet's options or its ledger, with the numbers. */
  readonly warnings: readonly string[];
}

/** What a member reports as it happens. */
export interface FleetChange {
  readonly fleet: string;
  readonly what: 'phase' | 'lease' | 'congestion' | 'warning';
  readonly message: string;
}
