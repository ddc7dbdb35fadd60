/** What the rules of a cache match statements by: the text of a statement without what differs from call to call. */

import { QUESTION } from './characters.js';
import { unquoted } from './token-list.js';
import { DOUBLE, END, NAME, NUMBER, Scanner, SIGN, TEXT, WORD } from './tokens.js';

/**
 * The whole text in small letters: literals are `?`, lists of them one `?`, spaces and comments do not count.
 *
 * @returns undefined when there is nothing in it, or when it is not clear where something in it ends
 */
export function ruleDigestOf(sql: string): string | undefined {
  const scanner = new Scanner(sql);
  const texts: string[] = [];
  for (let kind = scanner.next(); kind !== END; kind = scanner.next()) {
    const text = textOf(scanner, kind);
    const last = texts.length - 1;
    if (text === '?' && isValue(scanner, kind) && texts[last] === ',' && texts[last - 1] === '?') texts.pop();
    else texts.push(text);
  }
  if (scanner.unterminated || scanner.unclear) return undefined;
  while (texts.at(-1) === ';') texts.pop();
  return texts.length === 0 ? undefined : texts.join(' ');
}

function isValue({ code }: Scanner, kind: number): boolean {
  return kind === TEXT || kind === NUMBER || (kind === SIGN && code === QUESTION);
}

function textOf({ sql, start, end }: Scanner, kind: number): string {
  switch (kind) {
    case TEXT:
    case NUMBER:
      return '?';
    case NAME:
    case DOUBLE:
      return unquoted(sql.slice(start, end));
    case SIGN:
      return sql.slice(start, end);
    case WORD:
      return sql.slice(start, end).toLowerCase();
    // A variable; the marks of a comment that a server may execute, with its version.
    default:
      return sql.slice(start, end);
  }
}
