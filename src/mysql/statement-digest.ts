/** What is left of a longer text; nobody reads more. */
const LONGEST_DIGEST = 600;
/** How much of a statement is looked at: a bulk insert may have megabytes. */
const LONGEST_SCAN = 8_192;

const MORE = ' …';

/** Words that stand for values, but not in `IS NULL`. */
const VALUE_WORDS: ReadonlySet<string> = new Set(['NULL', 'TRUE', 'FALSE', 'DEFAULT']);

/**
 * The shape of a statement: its text with `?` for each value or list of values, without comments, with single spaces. Two statements that differ
 * in their values only have the same digest, and no value is in it.
 *
 * Text in double quotes counts as a value, though it is a name under `ANSI_QUOTES`; and what follows a backslash before a quote is left out,
 * because under `NO_BACKSLASH_ESCAPES` the value ends there. Both cost detail where the other reading would show a value.
 *
 * @example
 * digestOf("SELECT * FROM users WHERE id IN (1, 2, 3) AND name = 'x' -- why")
 * // SELECT * FROM users WHERE id IN (?) AND name = ?
 *
 * @param longest what is left of a longer one, in characters
 */
export function digestOf(sql: string, longest = LONGEST_DIGEST): string {
  return new Digest(sql, longest).text();
}

/** One walk over a text. Each step consumes at least one character. */
class Digest {
  readonly #sql: string;
  readonly #end: number;
  #at = 0;
  #parts: string[] = [];
  #length = 0;
  #cut = false;

  constructor(
    sql: string,
    private readonly longest: number,
  ) {
    this.#sql = sql;
    this.#end = Math.min(sql.length, LONGEST_SCAN);
    this.#cut = sql.length > LONGEST_SCAN;
  }

  text(): string {
    while (this.#at < this.#end && this.#length < this.longest) this.#step();
    if (this.#at < this.#end) this.#cut = true;
    const text = joined(this.#parts);
    const cut = this.#cut || text.length > this.longest;
    return cut ? text.slice(0, this.longest) + MORE : text;
  }

  #step(): void {
    const sql = this.#sql;
    const character = sql[this.#at] as string;
    if (isWordStart(character)) this.#word();
    else if (character <= ' ' || character === '\u00A0') this.#at += 1;
    else if (character === "'" || character === '"') this.#quoted(character);
    else if (character === '`') this.#name();
    else if (sql.startsWith('/*', this.#at)) this.#skipTo('*/');
    else if (character === '#' || (character === '-' && /^--(?:\s|$)/.test(sql.slice(this.#at, this.#at + 3)))) this.#skipTo('\n');
    else if (character === '?') this.#value(1);
    else if (isDigit(character) || (character === '.' && isDigit(sql[this.#at + 1]))) this.#number();
    else this.#sign(character);
  }

  /** A value in quotes. Doubled quotes belong to it. */
  #quoted(quote: string): void {
    const sql = this.#sql;
    let at = this.#at + 1;
    for (; at < this.#end; at += 1) {
      const character = sql[at];
      if (character === '\\') {
        at += 1;
        if (sql[at] === quote) {
          this.#value(0);
          this.#giveUp();
          return;
        }
      } else if (character === quote) {
        if (sql[at + 1] !== quote) break;
        at += 1;
      }
    }
    this.#at = at + 1;
    this.#value(0);
  }

  #name(): void {
    const end = this.#sql.indexOf('`', this.#at + 1);
    if (end === -1 || end >= this.#end) {
      this.#giveUp();
      return;
    }
    this.#push(this.#sql.slice(this.#at, end + 1));
    this.#at = end + 1;
  }

  #number(): void {
    const [text] = /^(?:0[xb][0-9a-f]+|[0-9]*\.?[0-9]*(?:e[+-]?[0-9]+)?)/i.exec(
      this.#sql.slice(this.#at, this.#at + 400),
    ) as RegExpExecArray;
    // A name may begin with a digit.
    let at = this.#at + text.length;
    if (isWordPart(this.#sql[at])) {
      while (isWordPart(this.#sql[at])) at += 1;
      this.#push(this.#parts.at(-1) === '.' ? this.#sql.slice(this.#at, at) : '?');
      this.#at = at;
    } else {
      this.#value(text.length);
    }
  }

  #word(): void {
    let at = this.#at;
    while (at < this.#end && isWordPart(this.#sql[at])) at += 1;
    const word = this.#sql.slice(this.#at, at);
    // _utf8mb4'x', N'x', x'ff', b'01'
    if (this.#sql[at] === "'" && /^(?:_\w+|[nxb])$/i.test(word)) {
      this.#at = at;
      return;
    }
    this.#at = at;
    const previous = this.#parts.at(-1);
    if ((previous === '(' || previous === ',' || previous === '=') && VALUE_WORDS.has(word.toUpperCase())) this.#value(0);
    else this.#push(word);
  }

  #sign(character: string): void {
    const two = OPERATOR_STARTS.includes(character) ? this.#sql.slice(this.#at, this.#at + 2) : character;
    const sign = OPERATORS.has(two) ? two : character;
    this.#push(sign);
    this.#at += sign.length;
    if (sign === ')') this.#foldRows();
  }

  /** A value, behind `consumed` more characters; a list of them is one. */
  #value(consumed: number): void {
    this.#at += consumed;
    const parts = this.#parts;
    // The sign of a number, where no value is before it.
    if ((parts.at(-1) === '-' || parts.at(-1) === '+') && /^[(,=<>]|^[<>!]=$/.test(parts.at(-2) ?? '(')) this.#drop(1);
    if (parts.at(-1) === ',' && parts.at(-2) === '?') this.#drop(2);
    // Texts side by side are one.
    if (parts.at(-1) === '?') return;
    this.#push('?');
  }

  /** `(?), (?)`: the rows of an INSERT. */
  #foldRows(): void {
    const parts = this.#parts;
    if (parts.at(-5) === ')' && parts.slice(-7).join('') === '(?),(?)') this.#drop(4);
  }

  #skipTo(end: string): void {
    const at = this.#sql.indexOf(end, this.#at + 1);
    this.#at = at === -1 ? this.#end : at + end.length;
  }

  #giveUp(): void {
    this.#cut = true;
    this.#at = this.#end;
  }

  #push(part: string): void {
    this.#parts.push(part);
    this.#length += part.length + 1;
  }

  #drop(count: number): void {
    for (const part of this.#parts.splice(-count)) this.#length -= part.length + 1;
  }
}

const OPERATORS: ReadonlySet<string> = new Set(['<=', '>=', '<>', '!=', ':=', '||', '&&', '->']);
const OPERATOR_STARTS = '<>!:|&-';

const NO_SPACE_BEFORE = new Set([',', ')', ';', '.']);
const NO_SPACE_AFTER = new Set(['(', '.', '@']);

/** Whether a word is followed by its arguments, and not by a list: `COUNT(`, but `IN (`. */
const BEFORE_LIST =
  /^(?:in|values?|and|or|not|where|on|as|from|join|exists|into|using|select|any|all|when|then|else|by|having|union|limit)$/i;

function joined(parts: readonly string[]): string {
  let text = '';
  let previous: string | undefined;
  for (const part of parts) {
    if (previous !== undefined && !NO_SPACE_AFTER.has(previous) && !NO_SPACE_BEFORE.has(part) && (part !== '(' || !isFunction(previous))) {
      text += ' ';
    }
    text += part;
    previous = part;
  }
  return text;
}

function isFunction(word: string): boolean {
  return /^\w+$/.test(word) && !BEFORE_LIST.test(word);
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9';
}

function isWordStart(character: string): boolean {
  return (
    (character >= 'a' && character <= 'z') ||
    (character >= 'A' && character <= 'Z') ||
    character === '_' ||
    character === '$' ||
    character > '\u00A0'
  );
}

function isWordPart(character: string | undefined): boolean {
  return character !== undefined && (isWordStart(character) || isDigit(character));
}
