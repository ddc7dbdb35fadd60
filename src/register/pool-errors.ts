/** Why an acquire failed, for the adapter of a data layer. */

interface Failure {
  readonly code?: unknown;
  readonly cause?: unknown;
}

const CONNECT_FAILURES: ReadonlySet<unknown> = new Set([
  'POOL_CONNECT_FAILED',
  'POOL_CREDENTIALS_FAILED',
  'POOL_TLS_REQUIRED',
  'POOL_ENDPOINT_POISONED',
]);
const ENDED: ReadonlySet<unknown> = new Set(['POOL_CLOSED', 'POOL_DRAINING']);

/** What became of an acquire. */
export type Outcome =
  | { readonly kind: 'late'; readonly cause: unknown }
  | { readonly kind: 'not opened'; readonly error: unknown }
  | { readonly kind: 'ended' }
  | { readonly kind: 'given up' }
  | { readonly kind: 'other' };

/** @param error a PoolError, or what a validation threw */
export function outcomeOf(error: unknown): Outcome {
  const { code, cause } = error as Failure;
  if (code === 'POOL_ACQUIRE_TIMEOUT') return { kind: 'late', cause };
  if (CONNECT_FAILURES.has(code) && cause !== undefined) return { kind: 'not opened', error: cause };
  if (ENDED.has(code)) return { kind: 'ended' };
  return { kind: code === 'POOL_ABORTED' ? 'given up' : 'other' };
}

/** The opening was given up by the pool, because it took too long. */
export function isOverdue(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ETIMEDOUT' && error.message.startsWith('Opening took longer');
}

/** What was opened is a connection that the pool cannot manage; see StrangeConnection in `src/mysql`. */
export function isStrange(error: unknown): boolean {
  return error instanceof Error && 'connection' in error && error.message.startsWith('The connection was not made by');
}
