/** The nesting of compound statements, which distinguishes a semicolon inside a stored program from the end of the statement. */

import { CLOSE, COLON, SEMICOLON } from './characters.js';
import { type Scanner, SIGN, WORD } from './tokens.js';
import { WordTable } from './words.js';

/** It begins a block wherever it stands; */
const ALWAYS = 1;
/** only where a statement or the body of a program begins, because elsewhere it is a function; */
const AS_BODY = 2;
/** only where a statement begins, because elsewhere it is a clause, too. */
const AS_STATEMENT = 3;
const ENDS = 4;

const BLOCKS = new WordTable<number>([
  [ALWAYS, 'BEGIN CASE'],
  [AS_BODY, 'IF LOOP REPEAT WHILE'],
  [AS_STATEMENT, 'FOR'],
  [ENDS, 'END'],
]);

/** Statements follow these words. */
const BEFORE_STATEMENTS = new WordTable<boolean>([[true, 'BEGIN THEN ELSE DO LOOP REPEAT']]);
/** The body of a stored program may follow these words, and the bracket behind its parameters. */
const BEFORE_BODY = new WordTable<boolean>([[true, 'ROW DETERMINISTIC SQL DATA INVOKER DEFINER']]);
/** `END IF` and the like. */
const BEHIND_END = new WordTable<boolean>([[true, 'IF CASE LOOP REPEAT WHILE FOR']]);

/**
 * Counts open blocks (MySQL reference manual, "Compound Statement Syntax"; MariaDB knowledge base, "Programmatic & Compound Statements"). It is a
 * close guess, not a grammar: nothing that must be safe depends on it.
 */
export class Blocks {
  depth = 0;
  #mayStart: boolean;
  #mayBegin = false;
  #behindEnd = false;

  /** @param atStatement whether the first token begins a statement */
  constructor(atStatement: boolean) {
    this.#mayStart = atStatement;
  }

  /** The next token of a text that defines a stored program, or is a block itself. */
  note({ kind, code, sql, start, end }: Scanner): void {
    const behindEnd = this.#behindEnd;
    this.#behindEnd = false;
    if (kind !== WORD) {
      this.#mayStart = kind === SIGN && (code === SEMICOLON || code === COLON);
      this.#mayBegin = kind === SIGN && code === CLOSE;
      return;
    }
    const block = BLOCKS.at(sql, start, end);
    if (block === ENDS) this.#end();
    else if (block !== undefined && !(behindEnd && BEHIND_END.at(sql, start, end) === true) && this.#begins(block)) this.depth += 1;
    this.#mayStart = BEFORE_STATEMENTS.at(sql, start, end) === true;
    this.#mayBegin = BEFORE_BODY.at(sql, start, end) === true;
  }

  #begins(block: number): boolean {
    return block === ALWAYS || this.#mayStart || (block === AS_BODY && this.#mayBegin);
  }

  #end(): void {
    this.#behindEnd = true;
    if (this.depth > 0) this.depth -= 1;
  }
}
