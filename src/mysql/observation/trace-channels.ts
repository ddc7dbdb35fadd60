/** Channels of Poolwright's own, on which tracers learn what mysql2's channels do not say: cached reads, statements about to be sent, texts without values. */

import { channel } from 'node:diagnostics_channel';

/** Where an answer came from that its caller did not load. */
export type CachedFrom = 'memory' | 'redis' | 'coalesced';

/** A read that the cache answered, published in its caller's context when the answer is there. */
export interface CachedRead {
  readonly query: string;
  readonly database: string;
  readonly serverAddress: string;
  readonly serverPort: number | undefined;
  readonly from: CachedFrom;
  /** By `performance.now()`. */
  readonly startedAt: number;
  /** Only of a loading that was shared and failed. */
  readonly error: unknown;
}

/** A statement of a borrower that is about to be queued on its connection, published in its caller's context. */
export interface StatementToSend {
  readonly query: string;
  /** A comment that is sent behind the text, and seen by the server alone. */
  comment: string | undefined;
}

export const cachedReads = channel('poolwright:cache:read');
export const statementsToSend = channel('poolwright:statement:send');
/**
 * The text that the next statement on `tracing:mysql2:query:start` was made from, where each `?` in it became one value; `undefined` when that
 * statement has been queued. mysql2 shows texts with their values, so hardly any of them comes twice.
 */
export const givenTexts = channel('poolwright:statement:text');
