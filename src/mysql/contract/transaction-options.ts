/** What a caller may say of one transaction. */

import type { Priority } from '../../engine/index.js';
import type { SessionSettings } from './session-settings.js';

/** Of a transaction, in the words of SQL. */
export type IsolationLevel = 'READ UNCOMMITTED' | 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';

/** What `pool.transaction()` takes beside the work. */
export interface TransactionOptions {
  /** Default: the server's. */
  readonly isolation?: IsolationLevel;
  /** The server refuses writes. Default: false. */
  readonly readOnly?: boolean;
  /** How often the whole function is run again after a deadlock, a lock wait timeout, or one of TiDB's retryable errors. Default: 3. */
  readonly maxRetries?: number;
  /** How long all of it may take, with retries and the wait for a connection, in milliseconds; 0 = no limit. Default: 0. */
  readonly timeout?: number;
  /** Rolls back when it aborts; a statement that is running is killed on the server. Once COMMIT was sent, its outcome is awaited. */
  readonly signal?: AbortSignal;
  /** In a pool with `scheduling: 'fair'`: how urgent it is to get a connection. Default: 'normal'. */
  readonly priority?: Priority;
  /** In a pool with `scheduling: 'fair'`: on whose behalf, for example a tenant. */
  readonly fairnessKey?: string;
  /** Settings that its session must have, as `getConnection` takes them. Default: none. */
  readonly session?: SessionSettings;
}
