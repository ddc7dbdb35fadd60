/** Transactions: what their function sees, their runs from BEGIN to COMMIT, and the check for self-deadlock. */

export { runTransaction, type TransactionHost } from './run.js';
export { SelfDeadlockWatch } from './self-deadlock.js';
export type { Transaction } from './transaction.js';
