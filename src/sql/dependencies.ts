/** What a statement's answer depends on: the tables that it reads, or why it must not be cached. */

import { isWriting, READING } from './effects.js';
import { calledRoutine, type Schema } from './schema.js';
import { firstWordOf, isName, type Token, type TokenLists, tokenListsOf } from './token-list.js';
import { tablesIn } from './tables.js';
import { BY_DEFAULT, OTHER_READINGS } from './tokens.js';
import { wordSet } from './words.js';

/** What a read depends on. */
export type Dependencies =
  | { readonly kind: 'tables'; readonly tables: readonly string[] }
  /** It must not be cached. */
  | { readonly kind: 'uncacheable'; readonly why: string }
  /** It may be cached, but what it depends on cannot be found. */
  | { readonly kind: 'unknown'; readonly why: string; readonly unknownTable: boolean };

/** What depends on the session, or changes something: the answer is for this caller only. */
const OF_THE_SESSION =
  wordSet(`benchmark connection_id currval found_rows get_lock is_free_lock is_used_lock last_insert_id lastval load_file master_pos_wait
  master_gtid_wait nextval ps_current_thread_id release_all_locks release_lock row_count setval sleep source_pos_wait sql_calc_found_rows
  wait_for_executed_gtid_set`);

const NO_SELECT = 'it is not a SELECT';

/** What a statement reads. Precondition of 'tables': the schema is that of the server. */
export function dependenciesOf(sql: string, schema: Schema): Dependencies {
  const lists = tokenListsOf(sql, BY_DEFAULT);
  if (lists.unterminated) return uncacheable('its text has no end');
  if (lists.unclear) return uncacheable('its text has several meanings');
  let found = dependenciesIn(lists, schema);
  if (!lists.escapedQuote) return found;
  for (const reading of OTHER_READINGS) {
    const other = tokenListsOf(sql, reading);
    // The server refuses it: there is no answer to keep. One statement before it would be an answer of its own.
    if (!other.unterminated || other.statements.length > 1) found = both(found, dependenciesIn(other, schema));
  }
  return found;
}

function dependenciesIn({ statements }: TokenLists, schema: Schema): Dependencies {
  const tokens = statements[0]?.tokens ?? [];
  if (statements.length > 1) return uncacheable(mayRead(firstWordOf(tokens)) ? 'it is several statements' : NO_SELECT);
  const why = whyNotCacheable(tokens) ?? whyNotWithoutComments(tokens);
  return why === undefined ? namesIn(tokens, schema) : uncacheable(why);
}

function namesIn(tokens: readonly Token[], schema: Schema): Dependencies {
  const routine = calledRoutine(tokens, schema);
  if (routine !== undefined) return { kind: 'unknown', why: `it calls ${routine}`, unknownTable: false };
  const named = new Set<string>();
  const tables = new Set<string>();
  for (const token of tokens) {
    const { text } = token;
    if (!isName(token) || named.has(text) || !schema.has(text)) continue;
    named.add(text);
    const shown = schema.shownBy(text);
    if (shown === 'everything') return { kind: 'unknown', why: `what the view ${text} shows is not known`, unknownTable: false };
    for (const name of shown) tables.add(name);
  }
  const unknown = tablesIn(tokens).find((name) => !schema.has(name));
  if (unknown !== undefined) return { kind: 'unknown', why: `${unknown} is not a table that is known`, unknownTable: true };
  return { kind: 'tables', tables: [...tables] };
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
  const next = tokens[index + 1]?.text;
  const previous = tokens[index - 1]?.text;
  if (kind === 'variable') return `it uses ${text}`;
  if (kind === 'name' && next === '(' && OF_THE_SESSION.has(text)) return `it uses ${text}`;
  if (kind !== 'word') return undefined;
  if (OF_THE_SESSION.has(text)) return `it uses ${text}`;
  if (text === 'into') return 'it puts its result somewhere else';
  if ((text === 'for' && (next === 'update' || next === 'share')) || (text === 'lock' && next === 'in')) return 'it takes locks';
  if (text === 'value' && (previous === 'next' || previous === 'previous')) return 'it takes a number from a sequence';
  return first === 'with' && isWriting(tokens[index] as Token, index, tokens) ? 'it writes' : undefined;
}

/** Of a text with two meanings. */
function both(one: Dependencies, other: Dependencies): Dependencies {
  if (one.kind === 'uncacheable' || other.kind === 'tables') {
    if (one.kind !== 'tables' || other.kind !== 'tables') return one;
    return { kind: 'tables', tables: [...new Set([...one.tables, ...other.tables])] };
  }
  return other.kind === 'uncacheable' || one.kind === 'tables' ? other : one;
}

function uncacheable(why: string): Dependencies {
  return { kind: 'uncacheable', why };
}
