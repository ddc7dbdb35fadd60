/** What to do about what is wrong. */

import type { Cause } from './finding.js';

/** One or two sentences for each cause; null: its details say it. */
export const ADVICE: Readonly<Record<Cause, string | null>> = {
  suspended: 'Resume it manually, or in the code that suspended it.',
  ending: null,
  'no-writer': 'Promote one server, or make all but one read-only. Callers wait within their own deadlines.',
  'database-away': 'Bring the database back. The pool connects again by itself, within about a second.',
  breaker: 'Fix what made the calls fail. An isolated breaker stays open until an operator closes it.',
  exhausted:
    'Speed up or stop the statements that hold the connections, and release earlier. Then raise the limit if the database has room.',
  'callers-fail': 'See the errors of the callers: each names the reason.',
  leak: 'Release the connection in a finally block, or borrow it with await using. Restart the process before it runs out of connections.',
  'read-only': 'Check whether the server has become a replica, or is shutting down. The pool replaces its connections by itself.',
  replicas: 'Check the replication of these replicas.',
  'connect-errors': 'Check the limits of the server, the account, and the network.',
  'cache-away': 'Bring Redis back. Meanwhile, the database answers the cached reads.',
  fleet: 'Check the ledger, and the number of processes against fleet.processes.',
  busy: 'Speed up the statements that hold the connections, or raise the limit if the database has room.',
  other: null,
};
