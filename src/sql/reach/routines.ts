/** Stored routines: which routines may write, and which routines a text calls. */

import { unknownCallIn } from './functions.js';
import { isCall, isName, type StatementTokens, type Token, type TokenLists, tokenListsOf } from '../token-list.js';
import { tablesIn } from './tables.js';
import { BY_DEFAULT, OTHER_READINGS } from '../tokens.js';
import { wordSet } from '../words.js';

/** By a word of these a function's body may write. What they are in other places costs an invalidation too many. */
const WRITING_IN_BODY = wordSet('alter call create delete drop execute insert load rename replace truncate update');

/** What the server shows of routines. */
interface RoutineFacts {
  readonly routines: readonly string[];
  readonly functions?: readonly { readonly name: string; readonly body: string | undefined }[];
  readonly views: readonly { readonly name: string }[];
}

/** The routines that may write: all but functions whose bodies neither write nor call one that may, nor read a view, which may call one. */
export function writingRoutines({ routines, functions = [], views }: RoutineFacts): ReadonlySet<string> {
  const writing = new Set(routines);
  const known = new Set(routines);
  const viewNames = new Set(views.map(({ name }) => name));
  const mayWrite = (tokens: readonly Token[]): boolean => {
    const tables = new Set(tablesIn(tokens));
    return (
      tokens.some((token, index) => isWritingWord(tokens, index) || (isName(token) && viewNames.has(token.text))) ||
      callsIn(tokens, known, (name) => tables.has(name)).some((name) => writing.has(name) || !known.has(name))
    );
  };
  // Functions of one name in several databases count as one.
  const bodies = new Map<string, (readonly StatementTokens[] | undefined)[]>();
  for (const { name, body } of functions) {
    const readings = body === undefined ? undefined : readingsOf(body);
    bodies.set(name, [...(bodies.get(name) ?? []), ...(readings ?? [undefined])]);
  }
  for (let hasFound = true; hasFound; ) {
    hasFound = false;
    for (const [name, readings] of bodies) {
      if (!writing.has(name) || readings.some((reading) => reading === undefined || reading.some(({ tokens }) => mayWrite(tokens))))
        continue;
      writing.delete(name);
      hasFound = true;
    }
  }
  return writing;
}

function isWritingWord(tokens: readonly Token[], index: number): boolean {
  const { kind, text } = tokens[index] as Token;
  return kind === 'word' && WRITING_IN_BODY.has(text) && tokens[index + 1]?.text !== '(';
}

/** The routines that a text calls, and a function that is not known. */
export function callsIn(tokens: readonly Token[], routines: ReadonlySet<string>, isTable: (name: string) => boolean): readonly string[] {
  const called = new Set<string>();
  for (let index = 0; index < tokens.length; index += 1) {
    const text = tokens[index]?.text ?? '';
    if (isCall(tokens, index) && routines.has(text)) called.add(text);
  }
  const unknown = unknownCallIn(tokens, (name) => called.has(name) || isTable(name));
  return unknown === undefined ? [...called] : [...called, unknown];
}

/** A definition was written under some sql_mode: every meaning that it may have. Undefined where it cannot be read. */
export function readingsOf(text: string): (readonly StatementTokens[])[] | undefined {
  const lists: TokenLists = tokenListsOf(text, BY_DEFAULT);
  if (lists.unterminated || lists.unclear) return undefined;
  return [lists.statements, ...(lists.escapedQuote ? OTHER_READINGS.map((reading) => tokenListsOf(text, reading).statements) : [])];
}
