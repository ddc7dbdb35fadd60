/** What each kind of replication adds to what any server says of itself. */

import type { NodeReading } from '../contract/index.js';

/** What a kind of replication adds to what any server says of itself. */
export type ReplicationReading = Pick<NodeReading, 'role' | 'lagMs' | 'replicating' | 'everyServerWrites' | 'executed' | 'peers'>;
