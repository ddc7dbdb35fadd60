/** Who learns what the statements of a pool have committed, before their callers do: a cluster, whose readers must have it. No option of users. */

/** Learns of each commit that is acknowledged on a connection of a pool. Called in the middle of a packet: it must not throw. */
export interface CommitListener {
  /** Whether the server names what it commits. Without, every statement that may have committed something is reported by `mayHaveCommitted`. */
  readonly hasGtids: boolean;
  /** On whose behalf the caller works, as `committed` gets it later; undefined: no scope's. Asked in the caller's asynchronous context. */
  scope(): object | undefined;
  /**
   * The server has committed something, and named it.
   *
   * @param gtid MySQL's `uuid:number`, or MariaDB's `domain-server-number`
   * @param borrower of the caller that asked for the connection
   * @param sender of the caller that sent the statement
   */
  committed(gtid: string, borrower: object | undefined, sender: object | undefined): void;
  /** The server may have committed something, and has not named it: an answer of rows has no room for that. */
  mayHaveCommitted(borrower: object | undefined, sender: object | undefined): void;
}
