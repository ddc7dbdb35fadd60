/** What is known of one server of a cluster, and how it is learned. */

/** Where a server listens. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** What a server may be used for, by its own word: whether it takes writes. */
export type NodeRole = 'writer' | 'reader';

/** How the servers of a cluster are found. */
export type DiscoveryKind = 'static' | 'replication' | 'group-replication' | 'aurora' | 'tidb';

/** What a look hears first. */
export type RoleWord = Pick<NodeReading, 'serverId' | 'role'>;

/** What one look at a server said. */
export interface NodeReading {
  /** What identifies this server: `server_uuid`, on MariaDB its `server_id` and what else it has. */
  readonly serverId: string;
  /** What it greets with, such as '9.7.4' or '11.8.9-MariaDB'. */
  readonly version: string;
  readonly role: NodeRole;
  /** How it is in touch with the others, as it was asked or as it says itself. */
  readonly kind?: DiscoveryKind;
  /** For how long it lags behind its source, in milliseconds; 0 on a writer; undefined: not known, or it does not replicate. */
  readonly lagMs: number | undefined;
  /** A reader whose replication runs (on a writer: true); undefined: the server may not say. Then it serves only eventual reads. */
  readonly replicating: boolean | undefined;
  /** Each server of its cluster takes writes and sees all that was committed, as TiDB's do. Absent: there is one writer. */
  readonly everyServerWrites?: boolean;
  /** What it has executed, in the server's own words: `gtid_executed`, or MariaDB's `gtid_current_pos`; undefined: no GTIDs. */
  readonly executed: string | undefined;
  /** Whether transactions become visible here in the order in which the writer committed them. */
  readonly commitsInOrder: boolean;
  /** The servers of the cluster that it knows, itself among them where it says so. Empty: it knows none. */
  readonly peers: readonly Peer[];
  /** What could not be read, such as a missing privilege, in one sentence with the GRANT to give. */
  readonly complaints: readonly string[];
}

/** A server that another one knows. */
export interface Peer extends NodeAddress {
  readonly serverId: string | undefined;
  /** What the other one takes it for; undefined: it does not say. */
  readonly role: NodeRole | undefined;
  /** False for a member that its group counts as gone, or that still recovers. */
  readonly online: boolean;
}
