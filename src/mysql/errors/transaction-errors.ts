/** Which errors of the server mean that a transaction may be run again. */

/** The transaction was rolled back, or can be, and the same work may succeed next time (MySQL reference manual; TiDB error codes). */
const ROLLED_BACK_ERRNOS: ReadonlySet<number> = new Set([1205, 1213, 8002, 8022, 8028, 9007]);

/** Whether the server has undone what failed, or lets it be undone, and the same work may succeed next time. */
export function isRolledBack(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno !== undefined && ROLLED_BACK_ERRNOS.has(errno);
}

/** The server's number of an error; Node's are negative. */
export function errnoOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errno' in error)) return undefined;
  return typeof error.errno === 'number' && error.errno > 0 ? error.errno : undefined;
}
