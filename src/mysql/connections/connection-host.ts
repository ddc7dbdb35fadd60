/** What the factory of connections needs of its pool, and the hooks of the application. */

import type { ConnectionConfig } from '../driver/index.js';
import type { ServerError } from '../errors/index.js';
import type { AcquireInfo, ReleaseInfo } from '../contract/index.js';
import type { ManagedConnection } from './managed-connection.js';
import type { ObservedConnection } from './observed-connection.js';
import type { StatementLog } from '../observation/index.js';

/** The hooks of the application, as the factory calls them. */
export interface LendingHooks {
  /** @throws PoolError `POOL_HOOK_FAILED` */
  beforeLending(connection: ManagedConnection, info: Omit<AcquireInfo, 'pool'>): Promise<void>;
  /** @returns why the connection must be closed, if it must */
  afterReturn(connection: ManagedConnection, info: Omit<ReleaseInfo, 'pool'>): Promise<unknown>;
}

/** What the factory needs of the pool that its connections belong to. */
export interface ConnectionHost {
  /** The pool object that mysql2's connections refer to. */
  readonly driverPool: { readonly _closed: boolean; createConnectionConfig(): ConnectionConfig };
  /** Sees the statements of borrowers. */
  readonly log?: StatementLog;
  /** What the application does around each loan. */
  readonly hooks?: LendingHooks;
  /** The process must stay alive for a connection that was lent, or that says goodbye. */
  hold(): void;
  /** Emits one of mysql2's events; returns whether it has listeners. */
  announce(event: 'connection' | 'acquire' | 'release', connection: ManagedConnection): boolean;
  /** A connection is about to be opened for borrowers. May refuse by throwing. */
  connecting(): void;
  sessionReset(): void;
  kill(connection: ObservedConnection): Promise<void>;
  /** The server answers but must not be used: it is read-only, shutting down, or draining. */
  poisoned(error: ServerError): void;
  /** The server takes no more prepared statements. */
  tooManyStatements(): void;
  /** An opener makes a connection that leads there. */
  leadsTo?(config: ConnectionConfig): void;
}
