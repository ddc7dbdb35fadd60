/** What a pool says of itself at one moment: its counts, its borrowers, its last failure to connect. */

/** `running` lends; `suspended` lets acquires wait; `draining` refuses new acquires; `closed` is the end. */
export type PoolState = 'running' | 'suspended' | 'draining' | 'closed';

/** Who else bounds the limit, beside `connectionLimit`. 'fleet': the process's lease. 'size': the pool itself, which looks for its size. */
export type CeilingName = 'fleet' | 'size';

/** The pool's counts at one moment: cheap enough to be part of an error. */
export interface PoolSummary {
  readonly name: string;
  readonly state: PoolState;
  /** The most entries that may be open now. */
  readonly limit: number;
  /** Entries that are open: idle + used + checking + closing. */
  readonly total: number;
  readonly idle: number;
  readonly used: number;
  /** Entries being opened; not in `total` yet. */
  readonly opening: number;
  /** Entries being validated or cleaned. */
  readonly checking: number;
  readonly closing: number;
  /** Acquires in the queue. */
  readonly waiting: number;
  /** How long the first of them has been waiting; 0 when none is. */
  readonly longestWaitMs: number;
}

/** A failure to open a resource. */
export interface ConnectFailure {
  /** `errno` or `code` of the error. */
  readonly code: string;
  readonly message: string;
  /** How long ago it happened. */
  readonly agoMs: number;
}

/** A borrowed entry. */
export interface Borrowed {
  /** Number of the entry in this pool; never used twice. */
  readonly id: number;
  /** How long it has been lent. */
  readonly heldMs: number;
  /** What the factory says of it, for example the server's connection id. */
  readonly description: string;
  /** Whether the borrower has a transaction open, where the factory knows. */
  readonly inTransaction?: boolean;
  /** What the borrower runs now, without its values; absent while it runs nothing, or where the factory does not know. */
  readonly statement?: string;
  /** How long that has been running; absent while the borrower runs nothing. */
  readonly runningMs?: number;
  /** For how long the borrower has run nothing, 0 while it runs something; absent where the factory does not know. */
  readonly quietMs?: number;
  /** It was reported as a leak, and has run nothing since. */
  readonly leaked?: boolean;
  /** Where it was borrowed, `folder/file.ts:42` of the application; only while leak detection is on. */
  readonly place?: string;
  /** The frames of the application that borrowed it, or all where none is known to be its; only while leak detection is on. */
  readonly stack?: string;
}
