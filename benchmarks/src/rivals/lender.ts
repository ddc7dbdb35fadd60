import type { Address } from '../scenario.js';

/** What every pool can do. */
export interface Lender {
  acquire(): Promise<unknown>;
  release(resource: unknown): unknown;
  /** An acquire that its caller can give up. Not there: the pool has no such thing. */
  acquireCancellable?(): { readonly promise: Promise<unknown>; cancel(): void };
  close(): Promise<unknown>;
}

export interface LenderSettings {
  /** How many resources: all are opened ahead and stay. */
  readonly size: number;
  /** Default: the pool's own default. */
  readonly acquireTimeoutMs?: number;
}

/** What every pool of connections can do. Adapters hand on what the pool returns: none of them adds a promise of its own. */
export interface ConnectionPool extends Lender {
  /** Runs a statement with the values put into the text. */
  query(sql: string, values: readonly unknown[], timeoutMs?: number): PromiseLike<unknown>;
  /** Runs a prepared statement. Not there: the pool has no such thing. */
  execute?(sql: string, values: readonly unknown[]): Promise<unknown>;
  /** A statement on a connection that was acquired. */
  queryOn(connection: unknown, sql: string, values: readonly unknown[]): PromiseLike<unknown>;
  /** What `query` and `execute` came to. */
  rowsOf(result: unknown): readonly Row[];
  /** Runs `work` in a transaction, in the way that the pool's manual shows. */
  transaction?(work: (query: (sql: string, values: readonly unknown[]) => PromiseLike<unknown>) => Promise<void>): Promise<void>;
}

export type Row = Readonly<Record<string, unknown>>;

export interface PoolSettings {
  readonly address: Address;
  readonly limit: number;
  /** Connections that stay open. Default: `limit`. */
  readonly minimum?: number;
  /** Default: the pool's own default. */
  readonly acquireTimeoutMs?: number;
  /** How long opening a connection may take. Default: the pool's own default. */
  readonly connectTimeoutMs?: number;
  /** How long a statement may take, for pools that take this for all statements. */
  readonly queryTimeoutMs?: number;
}

export type OpenPool = (settings: PoolSettings) => ConnectionPool;
