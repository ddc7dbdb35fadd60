/** Finds the names in a statement that stand where tables stand. */

import { isName, isPartOfName, type Token } from '../token-list.js';
import { wordSet } from '../words.js';

/** Words behind which names of tables stand, */
const BEFORE_TABLES = wordSet('insert replace into update from join straight_join using table truncate');
/** words that may stand in between, */
const MODIFIERS = wordSet('low_priority high_priority delayed ignore quick into table only lateral from if not exists');
/** words after which a list of them continues, but not at once, */
const WITHIN_TABLES = wordSet('as on use force partition for');
/** and words after which it has ended. */
const AFTER_TABLES = wordSet('set values value select where group order having limit returning window union except intersect duplicate');

/** Functions with FROM among their arguments. */
const WITH_FROM = wordSet('extract trim substring substr mid');

/** Of an open bracket: names in it are tables; one is expected now, which is only so where they are; it is one of a function with FROM. */
const HAS_TABLES = 1;
const EXPECTS = 2;
const IS_WITH_FROM = 4;

/** The names that stand where tables stand, in small letters, without their databases, aliases and common table expressions. */
export function tablesIn(tokens: readonly Token[]): string[] {
  return new TableSearch(tokens).run();
}

class TableSearch {
  readonly #common: CommonTables;
  readonly #found = new Set<string>();
  /** The open brackets around the current one. */
  readonly #outer: number[] = [];
  #level = 0;

  constructor(private readonly tokens: readonly Token[]) {
    this.#common = commonTables(tokens);
  }

  run(): string[] {
    for (let index = 0; index < this.tokens.length; index += 1) {
      const token = this.tokens[index] as Token;
      if (token.kind === 'sign') this.#sign(token.text, this.tokens[index - 1]);
      else this.#other(token, index);
    }
    return [...this.#found];
  }

  #sign(text: string, previous: Token | undefined): void {
    if (text === '(') this.#open(previous);
    else if (text === ')') this.#level = this.#outer.pop() ?? this.#level;
    else if (text === ',' && (this.#level & HAS_TABLES) !== 0) this.#level |= EXPECTS;
  }

  #open(previous: Token | undefined): void {
    const inherits = (this.#level & HAS_TABLES) !== 0 && (this.#level & EXPECTS) !== 0 && previous?.text !== 'using';
    this.#outer.push(this.#level & ~EXPECTS);
    this.#level = inherits ? HAS_TABLES | EXPECTS : 0;
    if (previous?.kind === 'word' && WITH_FROM.has(previous.text)) this.#level |= IS_WITH_FROM;
  }

  #other({ kind, text }: Token, index: number): void {
    const isWord = kind === 'word';
    if (isWord && BEFORE_TABLES.has(text) && !this.#isNoBeginning(index)) this.#level |= HAS_TABLES | EXPECTS;
    else if (isWord && AFTER_TABLES.has(text) && !isPartOfName(this.tokens, index)) this.#level &= IS_WITH_FROM;
    else if (isWord && WITHIN_TABLES.has(text) && !isPartOfName(this.tokens, index)) this.#level &= ~EXPECTS;
    else if ((this.#level & EXPECTS) !== 0 && (kind === 'name' || (isWord && !MODIFIERS.has(text)))) this.#name(text, index);
  }

  #name(text: string, index: number): void {
    const next = this.tokens[index + 1]?.text;
    // `database.table`: the last part is the table.
    if (next === '.') return;
    this.#level &= ~EXPECTS;
    const isFunction = next === '(' && text === 'json_table';
    if (!isFunction && text !== 'dual' && !this.#isCommon(text, index)) this.#found.add(text);
  }

  /** Within reach of its definition, and without a database. */
  #isCommon(text: string, index: number): boolean {
    if (isPartOfName(this.tokens, index)) return false;
    return this.#common.get(text)?.some(({ from, to }) => index > from && index < to) === true;
  }

  /** INSERT and REPLACE as functions, DUPLICATE KEY UPDATE, FOR UPDATE, EXTRACT(YEAR FROM …), IS DISTINCT FROM; and names of columns. */
  #isNoBeginning(index: number): boolean {
    const { tokens } = this;
    const text = tokens[index]?.text;
    const previous = tokens[index - 1]?.text;
    const next = tokens[index + 1]?.text;
    if (isPartOfName(tokens, index)) return true;
    if (text === 'update') return previous === 'key' || previous === 'for' || previous === 'on';
    if (text === 'insert' || text === 'replace') return next === '(';
    if (text === 'using') return next === '(' || previous === 'convert';
    return text === 'from' && ((this.#level & IS_WITH_FROM) !== 0 || previous === 'distinct');
  }
}

/** Where in a statement each name that WITH defines stands for a common table expression: between these tokens. */
export type CommonTables = ReadonlyMap<string, readonly { readonly from: number; readonly to: number }[]>;

const NONE: CommonTables = new Map();

/**
 * The names that WITH defines: followed by AS (, perhaps with columns in between. Each reaches to the end of the brackets that it is defined in,
 * from its definition when that is recursive, and otherwise from the end of it: a table of that name may stand elsewhere.
 */
export function commonTables(tokens: readonly Token[]): CommonTables {
  if (!tokens.some(({ kind, text }) => kind === 'word' && text === 'with')) return NONE;
  const isRecursive = tokens.some(({ kind, text }) => kind === 'word' && text === 'recursive');
  const closing = closingBrackets(tokens);
  const names = new Map<string, { from: number; to: number }[]>();
  /** The open brackets, and what stood before the last one. */
  const open: number[] = [];
  let beforeBracket: Token | undefined = undefined;
  for (let index = 0; index < tokens.length; index += 1) {
    const { kind, text } = tokens[index] as Token;
    if (text === 'as' && tokens[index + 1]?.text === '(') {
      const previous = tokens[index - 1];
      const name = previous?.text === ')' ? beforeBracket : previous;
      if (name !== undefined && isName(name)) {
        const around = open.at(-1);
        const reach = {
          from: isRecursive ? index : endOf(closing, index + 1, tokens),
          to: around === undefined ? tokens.length : endOf(closing, around, tokens),
        };
        const others = names.get(name.text);
        if (others === undefined) names.set(name.text, [reach]);
        else if (others.length < MOST_REACHES) others.push(reach);
      }
    }
    if (kind !== 'sign') continue;
    if (text === '(') {
      beforeBracket = tokens[index - 1];
      open.push(index);
    } else if (text === ')') open.pop();
  }
  return names;
}

/** Of one name. More of them would cost time that grows with their number for each table; a table too many is found then. */
const MOST_REACHES = 16;

/** Where the bracket that is opened at a place is closed, for each. */
function closingBrackets(tokens: readonly Token[]): ReadonlyMap<number, number> {
  const closing = new Map<number, number>();
  const open: number[] = [];
  for (let index = 0; index < tokens.length; index += 1) {
    const { kind, text } = tokens[index] as Token;
    if (kind !== 'sign') continue;
    if (text === '(') open.push(index);
    else if (text === ')') {
      const at = open.pop();
      if (at !== undefined) closing.set(at, index);
    }
  }
  return closing;
}

function endOf(closing: ReadonlyMap<number, number>, bracket: number, tokens: readonly Token[]): number {
  return closing.get(bracket) ?? tokens.length;
}
