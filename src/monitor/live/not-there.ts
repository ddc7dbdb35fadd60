/** The error for a pool, cache or breaker that a caller named and this process does not have. */

/** What is missing, for programs. The server sends it as `data.reason` of the error. */
export type MissingThing = 'unknown-pool' | 'unknown-breaker' | 'no-cache';

/** The process has understood the call, and has nothing of the name in it. */
export class NotThere extends Error {
  constructor(
    readonly reason: MissingThing,
    message: string,
  ) {
    super(message);
  }
}
