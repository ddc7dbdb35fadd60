/** What the parts of the cache hand to each other: a request for a value, and what was known when its loading began. */
import type { ResolvedPolicy } from '../contract/index.js';
import type { ValueKind } from '../values/index.js';

/** A value that a caller wants. */
export interface CacheRequest {
  /** A text that no other value has. */
  readonly key: string;
  /** What the value depends on. */
  readonly names: readonly string[];
  readonly policy: ResolvedPolicy;
  readonly kind: ValueKind;
  readonly load: (signal: AbortSignal) => Promise<unknown>;
  /** Present when a tracer listens: says in the end where the value came from; undefined: it was loaded for this caller. */
  readonly trace?: { from: 'memory' | 'redis' | 'coalesced' | undefined };
}

/** What the process knew when a loading began. An invalidation after that makes the loaded value invalid. */
export interface Departure {
  readonly startedAt: number;
  readonly sequence: number;
  readonly place: { readonly ledger: string; readonly position: number };
}
