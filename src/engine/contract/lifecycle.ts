/** The states of an entry's life, and the reasons that it ends for. */

/** The life of an entry; see the diagram in docs/vocabulary.md. */
export type EntryState = 'opening' | 'idle' | 'used' | 'checking' | 'preparing' | 'closing' | 'closed';

/** Why an entry was closed. The values are labels of a metric: a fixed set. */
export type CloseReason =
  /** Idle for longer than `idleTimeout`, or more idle entries than `maxIdle`. */
  | 'idle'
  /** Reached its `maxLifetime`. */
  | 'lifetime'
  /** `evict()` was called, on the pool or on the lease. */
  | 'evicted'
  /** The limit was lowered. */
  | 'surplus'
  /** It did not answer a validation or a keepalive ping. */
  | 'validation'
  /** It could not be brought back to a clean state. */
  | 'hygiene'
  /** The connection failed by itself: an error, or the other side closed it. */
  | 'lost'
  /** It was opened, and is not one of those that the pool is for, such as a connection to a database server in another role. Never lent. */
  | 'role'
  /** Its borrower destroyed it. */
  | 'destroyed'
  /** It was lent `maxUses` times. */
  | 'uses'
  /** A hook of the application refused it, failed, or took too long. */
  | 'hook'
  /** Its borrower did not give it back, and the pool took it back. */
  | 'reclaimed'
  /** The pool was drained or closed. */
  | 'pool';
