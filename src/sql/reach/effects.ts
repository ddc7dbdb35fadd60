/** What the statements of a text do to the data of others: which tables they write, or that they change the schema. */

import { callsWritingRoutine, type Schema } from './schema.js';
import { firstIndexOf, firstWordOf, isPartOfName, MOST_TOKENS, type StatementTokens, type Token, tokenListsOf } from '../token-list.js';
import { tablesIn } from './tables.js';
import { lengthOfHead } from './written-head.js';
import { BY_DEFAULT, OTHER_READINGS } from '../tokens.js';
import { wordSet } from '../words.js';

/*
 * What statements read and write is found without a grammar, because a grammar that misses a table would make a wrong answer: every table that
 * a text uses is named in it, and the schema knows all names. What the text does not name (views, triggers, foreign keys, routines) the schema
 * knows too. Where a word may be a table and may be not, it counts as one.
 */

/** What a statement does to the data of others. */
export type Effect =
  | { readonly kind: 'none' }
  /**
   * It writes these tables. `unknownTable`: the schema does not have one that it names. `immediate`: others see some of it before the transaction
   * ends, and it stays when that is rolled back. `anything`: it may have changed the schema, too.
   */
  | {
      readonly kind: 'writes';
      readonly tables: readonly string[] | 'everything';
      readonly unknownTable?: boolean;
      readonly immediate?: boolean;
      readonly anything?: boolean;
    }
  /** It changes the schema. */
  | { readonly kind: 'schema' };

export const READING = wordSet('select table values');
const WRITING = wordSet('insert replace update delete load truncate import repair');
const CHANGING_SCHEMA = wordSet('create drop alter rename');
/** Statements that change no rows. */
const HARMLESS =
  wordSet(`analyze backup begin binlog cache change check checksum commit deallocate desc describe do explain flush get handler help kill lock
  optimize prepare purge release reset resignal rollback savepoint set show shutdown signal start stop unlock use xa`);
/** Statements that change what a user may see of the schema, and which answers. */
const CHANGING_RIGHTS = wordSet('grant revoke');

const NONE: Effect = { kind: 'none' };
const SCHEMA: Effect = { kind: 'schema' };

/**
 * What a text of one statement or several does, as far as others are concerned. `schema` undefined: it is not known yet.
 *
 * @param severalStatements the connection takes texts of several statements
 */
export function effectOf(sql: string, schema: Schema | undefined, severalStatements = true): Effect {
  const length = lengthOfHead(sql, schema, severalStatements);
  const { statements, unterminated, unclear, escapedQuote, tooLong } = tokenListsOf(sql, BY_DEFAULT, length, 'name', MOST_TOKENS);
  // The worst that it may be.
  if (unclear) return SCHEMA;
  if (unterminated || tooLong) return { ...everything(schema, false), anything: true };
  const sum = new Sum(schema);
  sum.addAll(statements);
  if (escapedQuote) for (const reading of OTHER_READINGS) sum.addAll(completeStatements(tokenListsOf(sql, reading)));
  return sum.effect;
}

/** The server refuses a statement in which a literal has no end, and has run those before it by then. */
function completeStatements({ statements, unterminated }: ReturnType<typeof tokenListsOf>): readonly StatementTokens[] {
  return unterminated ? statements.slice(0, -1) : statements;
}

/** The effects of several statements together. */
class Sum {
  #everything = false;
  #anything = false;
  #unknownTable = false;
  #schemaChanged = false;
  /** Those whose reach was added already. */
  readonly #named = new Set<string>();
  readonly #written = new Set<string>();

  constructor(private readonly schema: Schema | undefined) {}

  get effect(): Effect {
    if (this.#schemaChanged) return SCHEMA;
    if (this.#anything) return { ...everything(this.schema, this.#unknownTable), anything: true };
    if (this.#everything) return everything(this.schema, this.#unknownTable);
    if (this.#written.size === 0) return NONE;
    const tables = [...this.#written];
    return this.schema?.areImmediate(this.#written) === true ? { kind: 'writes', tables, immediate: true } : { kind: 'writes', tables };
  }

  /** Up to the first one that changes the schema: a procedure's text has statements of its own, and its first word says enough. */
  addAll(statements: readonly StatementTokens[]): void {
    for (const statement of statements) {
      if (this.#schemaChanged) return;
      this.#add(statement);
    }
  }

  /** With a comment that may be executed or not there are two statements; with several of them the worst counts. */
  #add({ tokens, executables }: StatementTokens): void {
    if (executables > 1 && tokens.some(isChangingSchema)) this.#schemaChanged = true;
    else if (this.#anything && !mayChangeSchema(tokens)) return;
    else if (executables > 1 && mayWrite(tokens)) this.#anything = true;
    else this.#addOne(tokens);
    if (executables === 1) this.#addOne(tokens.filter(({ conditional }) => !conditional));
  }

  #addOne(tokens: readonly Token[]): void {
    const at = firstIndexOf(tokens);
    const first = firstWordOf(tokens);
    const second = tokens[at + 1]?.text;
    if (first === '') return;
    if (CHANGING_SCHEMA.has(first)) {
      if (second !== 'temporary') this.#schemaChanged = true;
      else if (callsWritingRoutine(tokens, this.schema)) this.#everything = true;
      return;
    }
    if (CHANGING_RIGHTS.has(first)) this.#schemaChanged = true;
    else if (first === 'xa' && second === 'commit') this.#everything = true;
    else if (isMoreThanItSeems(first, second)) this.#anything = true;
    else if (runsAnother(first, second)) this.#addWrite(tokens);
    else if (READING.has(first) || HARMLESS.has(first) || (first === 'with' && !tokens.some(isWriting))) {
      if (callsWritingRoutine(tokens, this.schema)) this.#everything = true;
    } else if (first === 'with' || WRITING.has(first)) this.#addWrite(tokens);
    else this.#anything = true;
  }

  #addWrite(tokens: readonly Token[]): void {
    if (this.schema === undefined || callsWritingRoutine(tokens, this.schema)) {
      this.#everything = true;
      return;
    }
    const tables = tablesIn(tokens);
    if (tables.length === 0) this.#everything = true;
    for (const table of tables) this.#addTable(table, this.schema);
  }

  #addTable(table: string, schema: Schema): void {
    if (this.#named.has(table)) return;
    this.#named.add(table);
    const changed = schema.has(table) ? schema.changedBy(table) : 'everything';
    if (!schema.has(table)) this.#unknownTable = true;
    if (changed === 'everything') this.#everything = true;
    else for (const name of changed) this.#written.add(name);
  }
}

/** While the schema is not known, nothing says that it has no tables without transactions. */
function everything(schema: Schema | undefined, unknownTable: boolean): Extract<Effect, { kind: 'writes' }> {
  return {
    kind: 'writes',
    tables: 'everything',
    ...(unknownTable ? { unknownTable } : {}),
    ...(schema?.areImmediate('everything') === false ? {} : { immediate: true }),
  };
}

/** Blocks of statements, and SET STATEMENT … FOR, both MariaDB's. */
function isMoreThanItSeems(first: string, second: string | undefined): boolean {
  return first === 'begin' ? second !== undefined && second !== 'work' : first === 'set' && second === 'statement';
}

/** MariaDB's ANALYZE and MySQL's EXPLAIN ANALYZE run the statement that they are given. */
function runsAnother(first: string, second: string | undefined): boolean {
  if (first === 'analyze') return second !== 'table' && second !== 'local' && second !== 'no_write_to_binlog';
  return (first === 'explain' || first === 'describe' || first === 'desc') && second === 'analyze';
}

/** Whether any choice among the comments of a statement may make it one that writes. */
function mayWrite(tokens: readonly Token[]): boolean {
  const first = firstWordOf(tokens);
  const isHarmless = tokens[0]?.conditional === false && (READING.has(first) || HARMLESS.has(first));
  return !isHarmless || tokens.some(isWriting);
}

/** What is left to be found once anything may have been done. */
function mayChangeSchema(tokens: readonly Token[]): boolean {
  return tokens[0]?.kind === 'sign' || tokens[0]?.conditional === true || CHANGING_SCHEMA.has(tokens[0]?.text ?? '');
}

function isChangingSchema({ kind, text }: Token): boolean {
  return kind === 'word' && CHANGING_SCHEMA.has(text);
}

/** A word by which a statement writes, not as a function's name or a column's. */
export function isWriting({ kind, text }: Token, index: number, tokens: readonly Token[]): boolean {
  return kind === 'word' && WRITING.has(text) && tokens[index + 1]?.text !== '(' && !isPartOfName(tokens, index);
}
