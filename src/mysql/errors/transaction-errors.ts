/** Which errors of the server mean that a transaction may be run again, and which leave open what became of it. */

import { rowOf } from './error-table.js';

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

/** The server's number of an error; Node's are negative. */
export function errnoOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errno' in error)) return undefined;
  return typeof error.errno === 'number' && error.errno > 0 ? error.errno : undefined;
}
