/** What a statement's answer depends on: the tables that it reads, or why it must not be cached. */

import { isWriting, READING } from './effects.js';
import { unknownCallIn, type Volatility, volatilityOf } from './functions.js';
import { calledRoutine, type Schema } from './schema.js';
import { firstWordOf, isName, MOST_TOKENS, type Token, type TokenLists, tokenListsOf } from '../token-list.js';
import { commonTables, tablesIn } from './tables.js';
import { BY_DEFAULT, OTHER_READINGS, type Reading } from '../tokens.js';

/** What a read depends on. */
export type Dependencies =
  | { readonly kind: 'tables'; readonly tables: readonly string[] }
  /** It must not be cached. */
  | { readonly kind: 'uncacheable'; readonly why: string }
  /** It changes without a write: it may be cached for a caller only who says what it depends on. */
  | { readonly kind: 'unwatchable'; readonly why: string }
  /** It may be cached, but what it depends on cannot be found. */
  | { readonly kind: 'unknown'; readonly why: string; readonly unknownTable: boolean };

const NO_SELECT = 'it is not a SELECT';

/** What a statement reads. Precondition of 'tables': the schema is that of the server. */
export function dependenciesOf(sql: string, schema: Schema): Dependencies {
  const lists = listsOf(sql, BY_DEFAULT);
  if (lists.tooLong) return uncacheable('its text is too long');
  if (lists.unterminated) return uncacheable('its text has no end');
  if (lists.unclear) return uncacheable('its text has several meanings');
  let found = dependenciesIn(lists, schema);
  if (!lists.escapedQuote) return found;
  for (const reading of OTHER_READINGS) {
    const other = listsOf(sql, reading);
    if (other.tooLong) return uncacheable('its text is too long');
    // The server refuses it: there is no answer to keep. One statement before it would be an answer of its own.
    if (!other.unterminated || other.statements.length > 1) found = both(found, dependenciesIn(other, schema));
  }
  return found;
}

function listsOf(sql: string, reading: Reading): TokenLists {
  return tokenListsOf(sql, reading, sql.length, 'name', MOST_TOKENS);
}

function dependenciesIn({ statements }: TokenLists, schema: Schema): Dependencies {
  const tokens = statements[0]?.tokens ?? [];
  if (statements.length > 1) return uncacheable(mayRead(firstWordOf(tokens)) ? 'it is several statements' : NO_SELECT);
  const why = whyNotCacheable(tokens) ?? whyNotWithoutComments(tokens);
  return why === undefined ? namesIn(tokens, schema) : uncacheable(why);
}

function namesIn(tokens: readonly Token[], schema: Schema): Dependencies {
  let volatility = volatilityOf(tokens);
  const tables = new Set<string>();
  const unknown: string[] = [];
  for (const name of knownNames(tokens, schema)) {
    volatility = worse(volatility, schema.volatilityOf(name));
    const shown = schema.shownBy(name);
    if (shown === 'everything') unknown.push(`what the view ${name} shows is not known`);
    else for (const table of shown) tables.add(table);
  }
  if (volatility !== undefined) return { kind: volatility.kind === 'session' ? 'uncacheable' : 'unwatchable', why: volatility.why };
  const named = tablesIn(tokens);
  const common = commonTables(tokens);
  const routine = calledRoutine(tokens, schema);
  if (routine !== undefined) unknown.unshift(`it calls ${routine}`);
  if (unknown[0] !== undefined) return { kind: 'unknown', why: unknown[0], unknownTable: false };
  const stranger = named.find((name) => !schema.has(name));
  if (stranger !== undefined) return { kind: 'unknown', why: `${stranger} is not a table that is known`, unknownTable: true };
  const call = unknownCallIn(tokens, (name) => named.includes(name) || common.has(name));
  if (call !== undefined) return { kind: 'unknown', why: `it calls ${call}, which is not known`, unknownTable: false };
  return { kind: 'tables', tables: [...tables] };
}

/** Every name of the schema's that stands anywhere in the statement. */
function knownNames(tokens: readonly Token[], schema: Schema): ReadonlySet<string> {
  const names = new Set<string>();
  for (const token of tokens) if (isName(token) && schema.has(token.text)) names.add(token.text);
  return names;
}

function worse(one: Volatility | undefined, other: Volatility | undefined): Volatility | undefined {
  return one === undefined || other?.kind === 'session' ? (other ?? one) : one;
}

/** A server that does not execute a comment may see another statement. */
function whyNotWithoutComments(tokens: readonly Token[]): string | undefined {
  return tokens.some(({ conditional }) => conditional) ? whyNotCacheable(tokens.filter(({ conditional }) => !conditional)) : undefined;
}

function mayRead(first: string): boolean {
  return READING.has(first) || first === 'with';
}

function whyNotCacheable(tokens: readonly Token[]): string | undefined {
  const first = firstWordOf(tokens);
  if (!mayRead(first)) return NO_SELECT;
  for (let index = 0; index < tokens.length; index += 1) {
    const why = whyNot(tokens, index, first);
    if (why !== undefined) return why;
  }
  return undefined;
}

function whyNot(tokens: readonly Token[], index: number, first: string): string | undefined {
  const { kind, text } = tokens[index] as Token;
  if (kind !== 'word') return undefined;
  const next = tokens[index + 1]?.text;
  if (text === 'into') return 'it puts its result somewhere else';
  if (text === 'procedure') return 'it runs a procedure';
  if ((text === 'for' && (next === 'update' || next === 'share')) || (text === 'lock' && next === 'in')) return 'it takes locks';
  return first === 'with' && isWriting(tokens[index] as Token, index, tokens) ? 'it writes' : undefined;
}

/** From what may be cached to what must not. */
const BY_DANGER: readonly Dependencies['kind'][] = ['tables', 'unknown', 'unwatchable', 'uncacheable'];

/** Of a text with two meanings. */
function both(one: Dependencies, other: Dependencies): Dependencies {
  if (one.kind === 'tables' && other.kind === 'tables') return { kind: 'tables', tables: [...new Set([...one.tables, ...other.tables])] };
  return BY_DANGER.indexOf(one.kind) >= BY_DANGER.indexOf(other.kind) ? one : other;
}

function uncacheable(why: string): Dependencies {
  return { kind: 'uncacheable', why };
}
