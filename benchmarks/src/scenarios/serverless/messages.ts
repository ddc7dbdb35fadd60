/** What the platform and its instances say to each other. */

import type { Address } from '../../scenario.js';

/** How an instance reaches the database: one of the contestants. */
export interface Access {
  readonly pool: 'poolwright' | 'mysql2' | 'serverless-mysql';
  /** Handed to `attachDatabasePool` of @vercel/functions. */
  readonly attached: boolean;
  /** The pool's own options. */
  readonly options: Readonly<Record<string, number>>;
}

/** From the platform to an instance, first. */
export interface Setup {
  readonly kind: 'setup';
  readonly address: Address;
  readonly access: Access;
  /** The server cuts a connection that was idle for longer, in seconds. */
  readonly waitTimeoutS: number;
}

export interface InvocationOrder {
  readonly kind: 'invoke';
  readonly id: number;
}

export type ToInstance = Setup | InvocationOrder;

export type FromInstance =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly error?: string }
  /** No invocation is under way, and nothing that was given to `waitUntil` is pending: the instance may be frozen. */
  | { readonly kind: 'resting'; readonly invocations: number };
