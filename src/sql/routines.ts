/** Finds calls of stored routines in a statement. */

import type { Schema } from './schema.js';
import { isName, type Token } from './token-list.js';

/** Whether a statement calls a routine that the schema knows. */
export function callsRoutine(tokens: readonly Token[], schema: Schema | undefined): boolean {
  return schema?.hasRoutines === true && calledRoutine(tokens, schema) !== undefined;
}

/** The first routine that it calls. */
export function calledRoutine(tokens: readonly Token[], schema: Schema): string | undefined {
  return tokens.find((token, index) => isName(token) && tokens[index + 1]?.text === '(' && schema.hasRoutine(token.text))?.text;
}
