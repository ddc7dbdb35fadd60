/** Stacks of callers, for errors that came from a socket. */

/**
 * Waits for an answer. An error that came from a socket has nothing of its caller in its stack: the functions that await it are put there.
 * V8 knows them when it is asked ("zero-cost async stack traces", v8.dev/docs/stack-trace-api), so a statement that succeeds pays one
 * promise; to capture the stack at each call, as mysql2 does, costs it 3 to 5 µs, a tenth of a short query.
 */
export async function tracedBack<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw withStackOf(captureSite(tracedBack), error);
  }
}

/** A captured stack; it becomes text only when it is read. */
export interface CapturedSite {
  readonly stack?: string;
}

/** Where `above` was called. */
export function captureSite(above: (...parameters: never[]) => unknown): CapturedSite {
  const site: CapturedSite = {};
  Error.captureStackTrace(site, above);
  return site;
}

/** Gives an error the lines of a captured stack, if there are any, in place of its own. */
export function withStackOf({ stack = '' }: CapturedSite, error: unknown): unknown {
  const lines = stack.indexOf('\n');
  // A caller's own error may be frozen.
  if (lines !== -1 && error instanceof Error && Object.isExtensible(error))
    error.stack = `${error.name}: ${error.message}${stack.slice(lines)}`;
  return error;
}
