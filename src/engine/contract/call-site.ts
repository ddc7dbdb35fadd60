/** Where a caller is: a stack that is turned into text only when it is read. */

/** A stack that is turned into text only when it is read. */
export interface CallSite {
  readonly stack?: string;
}

/** Where the pool's caller is. */
export function callSite(): CallSite {
  const site: { stack?: string } = {};
  Error.captureStackTrace(site, callSite);
  return site;
}
