import { ANY_TABLE, EVERYTHING, TABLE } from './invalidation/index.js';
import type { Schema } from './schema.js';
import { type Token, tokensOf } from './sql-tokens.js';

/**
 * What statements read and write is found without a grammar, because a grammar that misses a table would make a wrong answer: every table that
 * a text uses is named in it, and the schema knows all names. What the text does not name (views, triggers, foreign keys, routines) the schema
 * knows too. Where a word may be a table and may be not, it counts as one.
 */

/** What a statement does to other people's data. */
export type Effect =
  | { readonly kind: 'none' }
  /** It writes: these names are to be invalidated. */
  | { readonly kind: 'writes'; readonly names: readonly string[]; readonly unknownTable?: boolean }
  /** It changes the schema. */
  | { readonly kind: 'schema' };

const NONE: Effect = { kind: 'none' };
const SCHEMA: Effect = { kind: 'schema' };
const WRITES_EVERYTHING: Effect = { kind: 'writes', names: [EVERYTHING] };

const READING = words('select table values');
const WRITING = words('insert replace update delete load truncate import');
const CHANGING_SCHEMA = words('create drop alter rename');
/** Statements that change no rows. */
const HARMLESS =
  words(`analyze begin binlog cache change check checksum commit deallocate desc describe do explain flush get grant help kill lock optimize
  prepare purge release repair reset resignal revoke rollback savepoint set show shutdown signal start stop unlock use xa`);

/** Words behind which names of tables stand, */
const BEFORE_TABLES = words('insert replace into update from join straight_join using table truncate');
/** words that may stand in between, */
const MODIFIERS = words('low_priority high_priority delayed ignore quick into table only lateral from');
/** words after which a list of them goes on, but not at once, */
const WITHIN_TABLES = words('as on use force partition for');
/** and words after which it has ended. */
const AFTER_TABLES = words('set values value select where group order having limit returning window union except intersect duplicate');

/** Functions with FROM among their arguments. */
const WITH_FROM = words('extract trim substring substr mid');

/** What depends on the session, or changes something: the answer is nobody else's. */
const OF_THE_SESSION =
  words(`benchmark connection_id found_rows get_lock is_free_lock is_used_lock last_insert_id lastval load_file master_pos_wait
  master_gtid_wait nextval ps_current_thread_id release_all_locks release_lock row_count setval sleep source_pos_wait sql_calc_found_rows
  wait_for_executed_gtid_set`);

/** What a read depends on. */
export type Dependencies =
  | { readonly kind: 'tables'; readonly names: readonly string[] }
  /** It must not be cached. */
  | { readonly kind: 'uncacheable'; readonly why: string }
  /** It may be cached, but what it depends on cannot be told. */
  | { readonly kind: 'unknown'; readonly why: string; readonly unknownTable: boolean };

/** What a statement reads. Precondition of 'tables': the schema is that of the server. */
export function dependenciesOf(sql: string, schema: Schema): Dependencies {
  const tokens = tokensOf(sql);
  if (tokens === undefined) return { kind: 'uncacheable', why: 'its text has no end' };
  while (tokens.at(-1)?.text === ';') tokens.pop();
  const why = whyNotCacheable(tokens);
  if (why !== undefined) return { kind: 'uncacheable', why };
  const names = new Set<string>();
  for (const [index, token] of tokens.entries()) {
    if (!isName(token)) continue;
    if (schema.hasRoutine(token.text) && tokens[index + 1]?.text === '(')
      return { kind: 'unknown', why: `it calls ${token.text}`, unknownTable: false };
    if (!schema.has(token.text)) continue;
    const shown = schema.shownBy(token.text);
    if (shown === 'everything') return { kind: 'unknown', why: `what the view ${token.text} shows is not known`, unknownTable: false };
    for (const name of shown) names.add(TABLE + name);
  }
  const unknown = tablesIn(tokens).find((name) => !schema.has(name));
  if (unknown !== undefined) return { kind: 'unknown', why: `${unknown} is not a table that is known`, unknownTable: true };
  return { kind: 'tables', names: [...names] };
}

/** What a statement of several texts does, as far as others are concerned. `schema` undefined: it is not known yet. */
export function effectOf(sql: string, schema: Schema | undefined): Effect {
  const tokens = tokensOf(sql);
  if (tokens === undefined) return WRITES_EVERYTHING;
  let effect: Effect = NONE;
  for (const statement of statementsIn(tokens)) {
    const next = effectOfOne(statement, schema);
    // A procedure's text has statements of its own, of which the first word told enough.
    if (next.kind === 'schema') return next;
    effect = both(effect, next);
  }
  return effect;
}

function effectOfOne(tokens: readonly Token[], schema: Schema | undefined): Effect {
  const first = firstWord(tokens);
  const second = tokens[1]?.text;
  if (CHANGING_SCHEMA.has(first)) return second === 'temporary' ? NONE : SCHEMA;
  if (isMoreThanItSeems(first, second)) return WRITES_EVERYTHING;
  const runs = runsAnother(first, second);
  if (!runs) {
    if (READING.has(first) || HARMLESS.has(first)) return callsRoutine(tokens, schema) ? WRITES_EVERYTHING : NONE;
    if (first === 'with' && !tokens.some(isWriting)) return callsRoutine(tokens, schema) ? WRITES_EVERYTHING : NONE;
    if (first !== 'with' && !WRITING.has(first)) return first === '' ? NONE : WRITES_EVERYTHING;
  }
  if (schema === undefined || callsRoutine(tokens, schema)) return WRITES_EVERYTHING;
  const names = new Set<string>();
  for (const table of tablesIn(tokens)) {
    if (!schema.has(table)) return { kind: 'writes', names: [EVERYTHING], unknownTable: true };
    const changed = schema.changedBy(table);
    if (changed === 'everything') return WRITES_EVERYTHING;
    for (const name of changed) names.add(TABLE + name);
  }
  return names.size === 0 ? WRITES_EVERYTHING : { kind: 'writes', names: [...names] };
}

/** Blocks of statements, SET STATEMENT … FOR (both MariaDB's), and the end of a transaction that another connection may have begun. */
function isMoreThanItSeems(first: string, second: string | undefined): boolean {
  if (first === 'begin') return second !== undefined && second !== 'work';
  return (first === 'set' && second === 'statement') || (first === 'xa' && second === 'commit');
}

/** MariaDB's ANALYZE and MySQL's EXPLAIN ANALYZE run the statement that they are given. */
function runsAnother(first: string, second: string | undefined): boolean {
  if (first === 'analyze') return second !== 'table' && second !== 'local' && second !== 'no_write_to_binlog';
  return (first === 'explain' || first === 'describe' || first === 'desc') && second === 'analyze';
}

/** Whether a text is a read, and nothing else, as far as its beginning tells: the only test that every statement pays for. */
export function looksLikeRead(sql: string): boolean {
  // "SELECT" in any case of letters.
  return (sql.charCodeAt(0) | 0x20) === 0x73 && (sql.charCodeAt(1) | 0x20) === 0x65 && (sql.charCodeAt(2) | 0x20) === 0x6c;
}

function whyNotCacheable(tokens: readonly Token[]): string | undefined {
  const first = firstWord(tokens);
  if (!READING.has(first) && first !== 'with') return 'it is not a SELECT';
  if (tokens.some(({ kind, text }) => kind === 'sign' && text === ';')) return 'it is several statements';
  for (const [index, token] of tokens.entries()) {
    const { kind, text } = token;
    if (kind === 'variable') return `it uses ${text}`;
    if (kind !== 'word') continue;
    if (OF_THE_SESSION.has(text)) return `it uses ${text}`;
    if (text === 'into') return 'it puts its result somewhere else';
    const next = tokens[index + 1]?.text;
    if ((text === 'for' && (next === 'update' || next === 'share')) || (text === 'lock' && next === 'in')) return 'it takes locks';
    if (text === 'value' && tokens[index - 1]?.text === 'next') return 'it takes a number from a sequence';
    if (first === 'with' && isWriting(token, index, tokens)) return 'it writes';
  }
  return undefined;
}

/** The names that stand where tables stand, without their databases, aliases and common table expressions. */
function tablesIn(tokens: readonly Token[]): string[] {
  const common = commonTables(tokens);
  const found = new Set<string>();
  /** For each open bracket: whether names in it are tables; and whether it is one of a function with FROM. */
  const levels: { tables: boolean; expected: boolean; withFrom: boolean }[] = [{ tables: false, expected: false, withFrom: false }];
  for (const [index, { kind, text }] of tokens.entries()) {
    const level = levels.at(-1) as (typeof levels)[number];
    const previous = tokens[index - 1];
    if (kind === 'sign') {
      if (text === '(') {
        const inherits = level.tables && level.expected && previous?.text !== 'using';
        levels.push({ tables: inherits, expected: inherits, withFrom: previous?.kind === 'word' && WITH_FROM.has(previous.text) });
        level.expected = false;
      } else if (text === ')' && levels.length > 1) levels.pop();
      else if (text === ',' && level.tables) level.expected = true;
      continue;
    }
    if (kind === 'word' && BEFORE_TABLES.has(text) && !isNoBeginning(tokens, index, level.withFrom)) {
      level.tables = true;
      level.expected = true;
    } else if (kind === 'word' && (AFTER_TABLES.has(text) || WITHIN_TABLES.has(text)) && !isPartOfName(tokens, index)) {
      level.tables &&= WITHIN_TABLES.has(text);
      level.expected = false;
    } else if (level.tables && level.expected && (kind === 'name' || (kind === 'word' && !MODIFIERS.has(text)))) {
      // `database.table`: the last part is the table.
      if (tokens[index + 1]?.text === '.') continue;
      level.expected = false;
      const isFunction = tokens[index + 1]?.text === '(' && text === 'json_table';
      if (!isFunction && text !== 'dual' && !common.has(text)) found.add(text);
    }
  }
  return [...found];
}

/** INSERT and REPLACE as functions, DUPLICATE KEY UPDATE, FOR UPDATE, EXTRACT(YEAR FROM …), IS DISTINCT FROM; and names of columns. */
function isNoBeginning(tokens: readonly Token[], index: number, withFrom: boolean): boolean {
  const text = tokens[index]?.text;
  const previous = tokens[index - 1]?.text;
  const next = tokens[index + 1]?.text;
  if (isPartOfName(tokens, index)) return true;
  if (text === 'update') return previous === 'key' || previous === 'for' || previous === 'on';
  if (text === 'insert' || text === 'replace') return next === '(';
  if (text === 'using') return next === '(' || previous === 'convert';
  return text === 'from' && (withFrom || previous === 'distinct');
}

function isPartOfName(tokens: readonly Token[], index: number): boolean {
  return tokens[index - 1]?.text === '.';
}

/** The names that WITH defines: followed by AS (, perhaps with columns in between. */
function commonTables(tokens: readonly Token[]): ReadonlySet<string> {
  const names = new Set<string>();
  if (!tokens.some(({ kind, text }) => kind === 'word' && text === 'with')) return names;
  for (const [index, token] of tokens.entries()) {
    if (token.text !== 'as' || tokens[index + 1]?.text !== '(') continue;
    let at = index - 1;
    if (tokens[at]?.text === ')') {
      while (at >= 0 && tokens[at]?.text !== '(') at -= 1;
      at -= 1;
    }
    const name = tokens[at];
    if (name !== undefined && isName(name)) names.add(name.text);
  }
  return names;
}

function callsRoutine(tokens: readonly Token[], schema: Schema | undefined): boolean {
  return (
    schema?.hasRoutines === true &&
    tokens.some((token, index) => isName(token) && tokens[index + 1]?.text === '(' && schema.hasRoutine(token.text))
  );
}

function isWriting({ kind, text }: Token, index: number, tokens: readonly Token[]): boolean {
  return kind === 'word' && WRITING.has(text) && tokens[index + 1]?.text !== '(' && !isPartOfName(tokens, index);
}

function isName({ kind }: Token): boolean {
  return kind === 'word' || kind === 'name';
}

function firstWord(tokens: readonly Token[]): string {
  const first = tokens.find(({ text }) => text !== '(');
  return first?.kind === 'word' ? first.text : first === undefined ? '' : '?';
}

function statementsIn(tokens: readonly Token[]): Token[][] {
  const statements: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'sign' && token.text === ';') statements.push([]);
    else statements.at(-1)?.push(token);
  }
  return statements.filter((statement) => statement.length > 0);
}

function both(one: Effect, other: Effect): Effect {
  if (one.kind !== 'writes') return other;
  if (other.kind !== 'writes') return one;
  const unknownTable = one.unknownTable === true || other.unknownTable === true;
  return { kind: 'writes', names: [...new Set([...one.names, ...other.names])], ...(unknownTable ? { unknownTable } : {}) };
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/));
}

/** What a read depends on whose tables are not known. */
export const DEPENDS_ON_ALL: readonly string[] = [ANY_TABLE];
