/** What is the same for all contestants of the scenario `cluster`. */
export const CALLERS = 20;

/** Connections to each server. */
export const LIMIT = 10;

/** Statements of a round of the mix. */
export const MIX_STATEMENTS = 4_000;

/** Statements before those that are measured: V8 optimizes the code of a new process meanwhile. */
export const LEAD_IN = 2_000;

/** How long a caller waits whose statement failed. */
export const RETRY_MS = 20;

/** How long after the switch a round continues, at most. */
export const CAP_MS = 4_000;
