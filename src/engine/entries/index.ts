/** Entries and leases, every transition of an entry's life, and the periodic sweep. */

export { EntrySet } from './entry-set.js';
export type { CheckKind, EntrySetListener } from './entry-set-listener.js';
export type { Entry, Lease, Readying } from './entry.js';
export { Housekeeper } from './housekeeper.js';
