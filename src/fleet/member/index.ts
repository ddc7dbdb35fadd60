/** One process in a fleet: its lease, its demand, and what it does without the ledger. */

export { Member, type MemberEnvironment, type MemberPool } from './member.js';
export type { MemberCounts } from './demand.js';
