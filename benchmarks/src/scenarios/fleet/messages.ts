/** What a fleet and its processes say to each other. */

import type { Address } from '../../scenario.js';

/** How a process gets its connections: one of the contestants. */
export type Access =
  | { readonly pool: 'poolwright'; readonly options: Readonly<Record<string, unknown>> }
  /** One client for each request that is under way, as its own rule wants it. */
  | { readonly pool: 'serverless-mysql' };

/** First: where the server is. */
export interface Setup {
  readonly kind: 'setup';
  readonly address: Address;
  readonly access: Access;
}

/** From now on requests arrive this often, at random. */
export interface Demand {
  readonly kind: 'demand';
  readonly perSecond: number;
  readonly seed: number;
}

/** No more requests arrive: what came of them? Answered when the last one is done. */
export interface Tell {
  readonly kind: 'tell';
}

export type ToMember = Setup | Demand | Tell;

export type FromMember =
  | { readonly kind: 'ready' }
  /** Milliseconds from the arrival of each request that was answered to its answer, and how many failed. */
  | { readonly kind: 'told'; readonly answers: readonly number[]; readonly failed: number };
