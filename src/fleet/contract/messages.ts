/** What a process of a fleet says to the ledger, and what the ledger answers. */

/** The answer to {@link FleetReply.count}: how many connections of the account the server had. */
export interface FleetCount {
  /** The number of the sample that asked for it. */
  readonly sample: number;
  /** Connections of the account at the server, counted after the question arrived; the counting one included. */
  readonly connections: number;
}

/** One renewal of one member, or its farewell. Every number of connections counts side connections too. */
export interface FleetRequest {
  /** Names this member, and no other, ever: made at random when the pool starts. Short, without spaces, commas and line ends. */
  readonly id: string;
  /** Grows by at least one with each request of this member. The ledger ignores a request that is older than one that it has seen. */
  readonly seq: number;
  /** 'leave' is sent when the last connection is closed. */
  readonly kind: 'renew' | 'leave';
  /** The ceiling in force, or the connections open and opening if those are more. The member does not pass it before the answer is here. */
  readonly committed: number;
  /** Connections that are open now. */
  readonly open: number;
  /** The fewest connections that were open at any moment since the last request that was answered. */
  readonly openLeast: number;
  /** How many connections the member could use now. */
  readonly wanted: number;
  /** The connections that this member has in any case. */
  readonly floor: number;
  /** The connections of the whole fleet, by this member's options. */
  readonly budget: number;
  /** The processes that may exist at once, by this member's options. */
  readonly processes: number;
  /** How long a lease of this member lasts, in milliseconds. */
  readonly leaseMs: number;
  /** The safe share that the member keeps when its lease ends without an answer. */
  readonly safe: number;
  /** {@link FleetReply.sampled} of the last answer; 0 before the first. */
  readonly heard: number;
  readonly counted?: FleetCount;
}

/** Members of one fleet whose options differ: what is in force, and who says otherwise. */
export interface FleetMismatch {
  readonly option: 'budget' | 'processes';
  /** The value that is in force: the smallest budget, the largest number of processes. */
  readonly used: number;
  /** Another value. */
  readonly other: number;
  /** A member that says the other value. */
  readonly member: string;
}

/** The ledger's answer to a renewal. */
export interface FleetReply {
  /** The request that is answered. */
  readonly seq: number;
  /** The connections that the member may hold until its lease ends. Never less than its floor. */
  readonly lease: number;
  /** How long the lease lasts, in milliseconds from the moment when the request was sent. */
  readonly leaseMs: number;
  /** What the member keeps, of its lease, when the lease ends without an answer. */
  readonly safe: number;
  /** The connections that the member will be offered once others have closed them, beyond its lease. */
  readonly due: number;
  /** Others wait for what this member has to give back: renew when it is closed. */
  readonly hungry: boolean;
  /** A sample is on: report again soon. */
  readonly soon: boolean;
  /** Count the connections of the account at the server, and report the number with the next request. */
  readonly count?: number;
  /** The last sample whose count is known. */
  readonly sampled: number;
  /** The budget in force. */
  readonly budget: number;
  /** The number of processes in force. */
  readonly processes: number;
  /** Connections that the members with an unexpired lease may hold. */
  readonly granted: number;
  /** Connections kept free for members that are away. */
  readonly reserved: number;
  /** Connections above the reserve that lost and unknown members may still hold. */
  readonly overhang: number;
  /** Members with an unexpired lease. */
  readonly members: number;
  /** Members whose lease ended without a farewell and that may still be there. */
  readonly lost: number;
  /** The ledger has lost its memory: holders keep what they hold, nothing new is granted. */
  readonly learning: boolean;
  readonly mismatch?: FleetMismatch;
}
