/** What a caller may say of one statement, and what it resolves to. */

import type { CachePolicy } from '../../cache/contract/index.js';
import type { PoolError, Priority } from '../../engine/index.js';
import type { FieldPacket, QueryOptions } from '../driver/index.js';
import type { ReadingOptions } from './reading.js';
import type { SessionSettings } from './session-settings.js';

/** How a statement is cached, given as its option `cache`. */
export interface StatementCacheOptions extends CachePolicy {
  /** Names the value, in place of the text and its parameters: for `invalidate({ keys })`, and for statements with a typeCast of their own. */
  readonly key?: string;
  /** The tables that it depends on, in place of those that are found in its text. */
  readonly tables?: readonly string[];
}

/** What a statement resolves to, as mysql2/promise has it. */
export type StatementResult = [rows: unknown, fields: FieldPacket[]];

/** What a pool's `query` and `execute` take beside mysql2's own options. */
export interface StatementOptions extends QueryOptions, ReadingOptions {
  /** How long the statement may take, with the wait for a connection, in milliseconds; 0 = no limit. One absolute deadline. Default: 0. */
  readonly timeout?: number;
  /** Gives up when it aborts; a statement that is already running is killed on the server. */
  readonly signal?: AbortSignal;
  /** Whether and how the result is cached, where the pool has a cache; reads in a transaction are not. Default: as the cache's rules say. */
  readonly cache?: StatementCacheOptions | boolean;
  /** Running it twice does what running it once does: it may be sent again when its connection was lost and its outcome is not known. */
  readonly idempotent?: boolean;
  /** In a pool with `scheduling: 'fair'`: the more urgent are served first, and refused last. Default: 'normal'. */
  readonly priority?: Priority;
  /** In a pool with `scheduling: 'fair'`: on whose behalf, for example a tenant. Keys take turns. */
  readonly fairnessKey?: string;
  /** Settings that its session must have, as `getConnection` takes them. The cache does not answer such a statement. Default: none. */
  readonly session?: SessionSettings;
  /** Answers instead of the database while a breaker is open. */
  readonly fallback?: (error: PoolError) => StatementResult | Promise<StatementResult>;
}
