/** A first look at a text that begins harmlessly: whether it lacks every mark without which nothing in it can change the session. */

import { isWordAt } from './words.js';

const LOCK = '_LOCK';

/**
 * Most texts have no comment, no variable, no second statement and nothing of a lock in them, in no literal either. The engine's own searches
 * see that many times faster than a scanner does. Every other text is left to the survey.
 */
export function isPlain(sql: string): boolean {
  return (
    !sql.includes('/*') &&
    !sql.includes(':=') &&
    endsAtSemicolon(sql) &&
    !mayFillVariable(sql) &&
    !mayLock(sql, sql.indexOf('_l'), '_l') &&
    !mayLock(sql, sql.indexOf('_L'), '_L')
  );
}

function endsAtSemicolon(sql: string): boolean {
  const at = sql.indexOf(';');
  return at === -1 || at === sql.length - 1;
}

/** `INTO @v`: with white space in between, as no comment is there. */
function mayFillVariable(sql: string): boolean {
  let at = sql.indexOf('@');
  if (at === -1) return false;
  if (sql.includes('--') || sql.includes('#')) return true;
  for (; at !== -1; at = sql.indexOf('@', at + 1)) {
    const code = lastBefore(sql, at);
    if (code === 0x4f || code === 0x6f || code >= 0x80) return true;
  }
  return false;
}

/** The last character before this one that is no white space. Each run of white space is passed over once. */
function lastBefore(sql: string, end: number): number {
  let at = end - 1;
  while (at > 0 && sql.charCodeAt(at) <= 0x20) at -= 1;
  return at < 0 ? 0 : sql.charCodeAt(at);
}

/** Whether the name of a function that takes locks may be there: each has `_LOCK` in it. */
function mayLock(sql: string, from: number, beginning: string): boolean {
  for (let at = from; at !== -1; at = sql.indexOf(beginning, at + 2)) if (isWordAt(sql, at, at + LOCK.length, LOCK)) return true;
  return false;
}
