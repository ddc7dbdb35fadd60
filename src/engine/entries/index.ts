/** Entries and leases, every transition of an entry's life, and the periodic sweep. */

export { type CheckKind, EntrySet, type EntrySetListener } from './entry-set.js';
export type { Entry, Lease } from './entry.js';
export { Housekeeper } from './housekeeper.js';
