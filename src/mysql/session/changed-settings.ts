/** The one statement that brings a session from one borrower's settings to the next one's. */

import type { SessionMark } from '../contract/index.js';

/** Where the value is kept that a variable had before any borrower asked for another; mysqldump keeps them in the same way. */
const KEPT = '@poolwright_';

/**
 * Changes the settings of a session. What a variable was before is kept in a user variable of the session, so that one round trip sets a value, and one
 * brings back what was there, whether the server, a login or `onConnect` had set it.
 *
 * @param from what the session has now
 * @param to what it is to have
 */
export function changeOfSettings(from: SessionMark | undefined, to: SessionMark | undefined): string {
  const before = from?.literals ?? new Map<string, string>();
  const after = to?.literals ?? new Map<string, string>();
  const assignments: string[] = [];
  for (const name of before.keys()) {
    if (!after.has(name)) assignments.push(`@@SESSION.${name} = ${KEPT}${name}`, `${KEPT}${name} = NULL`);
  }
  for (const [name, literal] of after) {
    if (!before.has(name)) assignments.push(`${KEPT}${name} = @@SESSION.${name}`);
    if (before.get(name) !== literal) assignments.push(`@@SESSION.${name} = ${literal}`);
  }
  return `SET ${assignments.join(', ')}`;
}
