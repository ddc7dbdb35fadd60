/** Which errors of the server mean that a transaction or a statement may be run again, and which leave open what became of it. */

import { rowOf } from './error-table.js';

/** An option prevents the statement: of many options, read-only ones are meant. */
const OPTION_PREVENTS_STATEMENT = 1290;
/** The server, or its InnoDB, is read-only. */
const READ_ONLY: ReadonlySet<number> = new Set([1836, 1874]);

/** Whether the server has undone what failed, or lets it be undone, and the same work may succeed next time. */
export function isRolledBack(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno !== undefined && rowOf(errno, (error as { readonly message?: unknown }).message)?.undone === true;
}

/** Whether a COMMIT that the server answers with this error may have taken effect. */
export function leavesCommitOpen(error: unknown): boolean {
  const errno = errnoOf(error);
  if (errno === undefined) return false;
  const { message } = error as { readonly message?: unknown };
  const unsure = rowOf(errno, message)?.unsure;
  return unsure === true || (unsure !== undefined && typeof message === 'string' && unsure.test(message));
}

/** Whether the server has refused a statement without running any part of it, because it takes no writes. */
export function isRefusedAsReadOnly(error: unknown): boolean {
  const errno = errnoOf(error);
  if (errno !== OPTION_PREVENTS_STATEMENT) return errno !== undefined && READ_ONLY.has(errno);
  return /read.?only/i.test(String((error as { readonly message?: unknown }).message));
}

/** The server's number of an error; Node's are negative. */
export function errnoOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errno' in error)) return undefined;
  return typeof error.errno === 'number' && error.errno > 0 ? error.errno : undefined;
}
