/** The errors of acquires that end without an entry, with the pool's counts in their text. */

import { answerOf, type Borrowed, codeOf, errorWithoutFrames, messageOf, PoolError, type PoolSummary } from '../contract/index.js';

/** How many borrowers an error names. */
const BORROWERS_NAMED = 3;

const GAVE_UP = 'The caller stopped waiting for a connection.';

/** What an acquire error says about the pool at that moment. */
export interface AcquireFailureContext {
  readonly summary: PoolSummary;
  /** The longest-held first. */
  readonly borrowed: readonly Borrowed[];
  /** No entry is open: it is not the borrowers that keep the waiters waiting. */
  readonly unreachable: boolean;
  /** The error of the last opening, if it failed and none has succeeded since. */
  readonly connectError: unknown;
  /** What the pool is held for, if it is held. */
  readonly held: string | undefined;
  /** That error says that resources can be opened, and are not what the pool is for. */
  readonly misplaced: boolean;
}

/** The first sentence of each refusal to queue. */
const headlines = new WeakMap<PoolError, string>();

/** What an error says in its first sentence: all that some pools say. */
export function headlineOf(error: PoolError): string {
  return headlines.get(error) ?? error.message;
}

export function acquireTimeoutError(waitedMs: number, context: AcquireFailureContext): PoolError {
  const { summary, unreachable, connectError, misplaced, held } = context;
  const waited = `No connection within ${Math.round(waitedMs)} ms`;
  if (summary.state === 'suspended') {
    return errorWithoutFrames('POOL_SUSPENDED', `${waited}: pool '${summary.name}' is suspended.`, { pool: summary });
  }
  const details = { pool: summary, cause: connectError };
  if (held !== undefined) {
    return errorWithoutFrames('POOL_ACQUIRE_TIMEOUT', `${waited}: ${held}. ${countsOf(summary)}`, { ...details, reason: 'unreachable' });
  }
  if (unreachable) {
    const why = misplaced ? messageOf(connectError) : `the database could not be reached; ${lastError(connectError)}`;
    const message = `${waited}: ${why}. ${countsOf(summary)}`;
    return errorWithoutFrames('POOL_ACQUIRE_TIMEOUT', message, { ...details, reason: 'unreachable' });
  }
  return errorWithoutFrames('POOL_ACQUIRE_TIMEOUT', `${waited}: ${exhaustion(context)}`, { ...details, reason: 'exhausted' });
}

export function queueFullError(queueLimit: number, context: AcquireFailureContext): PoolError {
  return notQueued('Queue limit reached.', `${queueLimit} callers are already waiting: ${exhaustion(context)}`, context);
}

/** All waiters wait longer than they should: some are refused early, instead of all of them late. */
export function overloadedError(waitTarget: number, context: AcquireFailureContext): PoolError {
  const headline = `Overloaded: callers have been waiting longer than ${waitTarget} ms; ${shortage(context)}.`;
  return notQueued(headline, countsAndHolders(context), context, 'overloaded');
}

/** `waitForConnections: false` and nothing is free. */
export function nothingFreeError(context: AcquireFailureContext): PoolError {
  const { summary } = context;
  if (summary.state === 'suspended') {
    return new PoolError('POOL_SUSPENDED', `Pool '${summary.name}' is suspended.`, { pool: summary });
  }
  return notQueued('No connections available.', exhaustion(context), context);
}

function notQueued(headline: string, explanation: string, { summary }: AcquireFailureContext, reason?: 'overloaded'): PoolError {
  const error = new PoolError('POOL_QUEUE_FULL', `${headline} ${explanation}`, {
    pool: summary,
    ...(reason === undefined ? {} : { reason }),
  });
  headlines.set(error, headline);
  return error;
}

export function closedError(summary: PoolSummary): PoolError {
  return new PoolError('POOL_CLOSED', 'Pool is closed.', { pool: summary });
}

export function drainingError(summary: PoolSummary): PoolError {
  return new PoolError('POOL_DRAINING', `Pool '${summary.name}' is draining: it takes no new work.`, { pool: summary });
}

export function abortedError(reason: unknown, summary: PoolSummary): PoolError {
  return new PoolError('POOL_ABORTED', GAVE_UP, { cause: reason, pool: summary });
}

/** The same of a caller that waits already. */
export function gaveUpError(reason: unknown, summary: PoolSummary): PoolError {
  return errorWithoutFrames('POOL_ABORTED', GAVE_UP, { cause: reason, pool: summary });
}

/** A connection was there, and could not be made ready for its borrower. */
export function notReadyError(cause: unknown, summary: PoolSummary): PoolError {
  const why = cause === undefined ? 'it was lost or closed in the meantime' : messageOf(cause);
  return new PoolError('POOL_HOOK_FAILED', `The connection could not be made ready for its borrower: ${why}`, { cause, pool: summary });
}

export function notReadyInTimeError(waitedMs: number, summary: PoolSummary): PoolError {
  const message = `No connection within ${Math.round(waitedMs)} ms: a connection was still being made ready for this caller. ${countsOf(summary)}`;
  return errorWithoutFrames('POOL_ACQUIRE_TIMEOUT', message, { pool: summary, reason: 'exhausted' });
}

/** An error of ours keeps its code: one failure has one identity, for every caller that meets it. */
export function connectFailedError(cause: unknown, summary: PoolSummary): PoolError {
  const same = answerOf(() => (PoolError.is(cause) ? cause.code : undefined), undefined);
  if (same !== undefined) return new PoolError(same, messageOf(cause), { cause: (cause as PoolError).cause, pool: summary });
  return new PoolError('POOL_CONNECT_FAILED', `Could not connect: ${messageOf(cause)} (${codeOf(cause)}).`, { cause, pool: summary });
}

function lastError(connectError: unknown): string {
  return connectError === undefined ? 'no answer yet' : `last error: ${messageOf(connectError)} (${codeOf(connectError)})`;
}

/** Of contexts whose exhaustion was put into words: callers that fail at the same moment share theirs, and may be thousands. */
const exhaustions = new WeakMap<AcquireFailureContext, string>();

function exhaustion(context: AcquireFailureContext): string {
  const known = exhaustions.get(context);
  if (known !== undefined) return known;
  const text = `${shortage(context)}. ${countsAndHolders(context)}`;
  exhaustions.set(context, text);
  return text;
}

function countsAndHolders({ summary, borrowed }: AcquireFailureContext): string {
  const holders = borrowed.slice(0, BORROWERS_NAMED).map((one) => `${one.description} for ${Math.round(one.heldMs)} ms`);
  const held = holders.length === 0 ? '' : ` Held longest: ${holders.join(', ')}.`;
  return `${countsOf(summary)}${held}`;
}

function shortage({ summary: { limit, used }, connectError, held }: AcquireFailureContext): string {
  if (held !== undefined) return held;
  if (used >= limit) return `all ${limit} connections are taken`;
  if (connectError === undefined) return `none of the ${limit} connections is free`;
  return `all open connections are taken, and no more could be opened; ${lastError(connectError)}`;
}

function countsOf(summary: PoolSummary): string {
  const { name, limit, used, idle, opening, checking, closing, waiting } = summary;
  return `Pool '${name}': limit ${limit}, used ${used}, idle ${idle}, opening ${opening}, checking ${checking}, closing ${closing}, waiting ${waiting}.`;
}
