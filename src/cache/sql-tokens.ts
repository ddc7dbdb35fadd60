/** A piece of a statement's text. */
export interface Token {
  /**
   * 'word': a keyword or a name, in small letters; 'name': a quoted one (also a text in double quotes, which ANSI_QUOTES makes a name);
   * 'literal': a text, a number or a placeholder; 'variable': with its @; 'sign': one character.
   */
  readonly kind: 'word' | 'name' | 'literal' | 'variable' | 'sign';
  readonly text: string;
}

/** Letters of names that need no quotes (MySQL reference manual, "Schema Object Names"). */
const WORD = /[0-9A-Za-z_$\u0080-\uffff]+/y;
const NUMBER = /^(?:\d+(?:e\d+)?|0x[0-9a-f]+|0b[01]+)$/i;
const SPACE = /\s+/y;
const LINE_COMMENT = /[^\n]*/y;
/** Comments that the server executes: their text counts. */
const EXECUTABLE = /\/\*M?!\d*/y;
const VARIABLE = /@@?(?:[0-9A-Za-z_$.\u0080-\uffff]+|`[^`]*`|'[^']*'|"[^"]*")?/y;

/**
 * The pieces of a statement, as the server sees them under its default sql_mode.
 *
 * @returns undefined when a text, a name or a comment has no end
 */
export function tokensOf(sql: string): Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(sql);
    if (match === null || match[0] === '') return undefined;
    at += match[0].length;
    return match[0];
  };
  while (at < sql.length) {
    const character = sql[at] as string;
    if (take(SPACE) !== undefined || take(EXECUTABLE) !== undefined) continue;
    if (character === '#' || (character === '-' && /^--(?:\s|$)/.test(sql.slice(at, at + 3)))) {
      take(LINE_COMMENT);
      continue;
    }
    if (character === '/' && sql[at + 1] === '*') {
      const end = sql.indexOf('*/', at + 2);
      if (end === -1) return undefined;
      at = end + 2;
      continue;
    }
    if (character === "'" || character === '"' || character === '`') {
      const end = endOfQuoted(sql, at);
      if (end === undefined) return undefined;
      if (character === "'") tokens.push({ kind: 'literal', text: '?' });
      else
        tokens.push({
          kind: 'name',
          text: sql
            .slice(at + 1, end - 1)
            .replaceAll(character + character, character)
            .toLowerCase(),
        });
      at = end;
      continue;
    }
    const variable = character === '@' ? take(VARIABLE) : undefined;
    const word = variable ?? take(WORD);
    if (variable !== undefined) tokens.push({ kind: 'variable', text: variable });
    else if (word !== undefined)
      tokens.push(NUMBER.test(word) ? { kind: 'literal', text: '?' } : { kind: 'word', text: word.toLowerCase() });
    else {
      at += 1;
      tokens.push(character === '?' ? { kind: 'literal', text: '?' } : { kind: 'sign', text: character });
    }
  }
  return tokens;
}

/** Where a text or a name that begins at `start` ends; a doubled quote is part of it, and in texts what follows a backslash. */
function endOfQuoted(sql: string, start: number): number | undefined {
  const quote = sql.charCodeAt(start);
  const escapes = quote !== 0x60;
  for (let at = start + 1; at < sql.length; at += 1) {
    const code = sql.charCodeAt(at);
    if (code === 0x5c && escapes) at += 1;
    else if (code === quote) {
      if (sql.charCodeAt(at + 1) !== quote) return at + 1;
      at += 1;
    }
  }
  return undefined;
}

/** A statement without what differs from call to call: literals are `?`, lists of them one `?`, spaces and comments do not count. */
export function digestOf(sql: string): string | undefined {
  const texts: string[] = [];
  for (const { kind, text } of tokensOf(sql) ?? []) {
    const last = texts.length - 1;
    if (kind === 'literal' && texts[last] === ',' && texts[last - 1] === '?') texts.pop();
    else texts.push(text);
  }
  if (texts.at(-1) === ';') texts.pop();
  return texts.length === 0 ? undefined : texts.join(' ');
}
