/** What a ledger remembers of a fleet. */

/** What the ledger knows of one member. */
export interface FleetMember {
  /** The newest request that was carried out. */
  readonly seq: number;
  /** The connections that its last answer allows. */
  readonly lease: number;
  /** The connections that it may have: the lease, or what it had committed itself to when it asked. */
  readonly accounted: number;
  /** When its lease ends, on the fleet's time ({@link FleetState.time}). */
  readonly until: number;
  /** Open when it last asked. */
  readonly open: number;
  readonly wanted: number;
  readonly floor: number;
  readonly budget: number;
  readonly processes: number;
  readonly leaseMs: number;
  /** The most that it keeps, of its lease, when the lease ends without an answer. */
  readonly safe: number;
  /** When it joined, on the fleet's time. */
  readonly since: number;
  /** While a sample is on: the fewest connections that it had open since the sample began. */
  readonly fewest?: number | undefined;
  /** Whether it has reported for the sample that is on, after the count. */
  readonly reported?: boolean | undefined;
}

/** The server's connections being compared with those of the known members. */
export interface FleetSample {
  readonly id: number;
  /** The member that was asked to count. */
  readonly asked: string;
  /** When it was asked, on the fleet's time. */
  readonly since: number;
  /** What it counted; undefined until it has answered. */
  readonly count?: number;
}

/** What the last complete sample has shown. */
export interface FleetEvidence {
  /** When its sample began, on the fleet's time: it speaks of leases that had ended then. */
  readonly at: number;
  /** The connections at the server that no known member accounts for. At most this many. */
  readonly strangers: number;
}

/** What a ledger remembers of a fleet. */
export interface FleetState {
  /** Which ledger wrote it: another identity says that writes may be lost. */
  readonly identity: string;
  /** The fleet's own time in milliseconds: follows the ledger's clock, but neither steps back nor leaps. */
  readonly time: number;
  /** The ledger's clock at the last step. */
  readonly clock: number;
  /** Until then holders re-enter what they hold and nothing new is granted. */
  readonly learningUntil: number;
  /** Until then there may be members that the ledger does not know. */
  readonly unknownUntil: number;
  /** The number of the last sample. */
  readonly samples: number;
  readonly sample?: FleetSample;
  readonly evidence?: FleetEvidence;
  readonly members: ReadonlyMap<string, FleetMember>;
}
