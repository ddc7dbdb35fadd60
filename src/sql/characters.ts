/** The characters of SQL by what they begin: codes, and a table of classes. */

export const EXCLAMATION = 0x21;
export const DOUBLE_QUOTE = 0x22;
export const HASH = 0x23;
export const QUOTE = 0x27;
export const OPEN = 0x28;
export const CLOSE = 0x29;
export const STAR = 0x2a;
export const PLUS = 0x2b;
export const COMMA = 0x2c;
export const DASH = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const ZERO = 0x30;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const QUESTION = 0x3f;
export const AT = 0x40;
export const BACKSLASH = 0x5c;
export const BACKQUOTE = 0x60;
export const NO_BREAK_SPACE = 0xa0;

/** What a character begins. */
export const SIGNS = 0;
export const SPACES = 1;
export const LETTERS = 2;
export const DIGITS = 3;
/** Every other class is a character that needs a closer look. */
export const OTHERS = 4;

const ASCII = 128;
const CLASSES = classes();

/** Of a character's code. Beyond ASCII every character may be part of a name (MySQL reference manual, "Schema Object Names"). */
export function classOf(code: number): number {
  return code < ASCII ? (CLASSES[code] as number) : code === NO_BREAK_SPACE ? SPACES : LETTERS;
}

/** Whether it may be part of a name that is not quoted. Not a number beyond the end of a text: then it is not. */
export function isNamePart(code: number): boolean {
  if (code < ASCII) return (CLASSES[code] as number) === LETTERS || (CLASSES[code] as number) === DIGITS;
  return code >= ASCII && code !== NO_BREAK_SPACE;
}

export function isDigit(code: number): boolean {
  return code >= ZERO && code <= 0x39;
}

export function isQuote(code: number): boolean {
  return code === QUOTE || code === DOUBLE_QUOTE || code === BACKQUOTE;
}

function classes(): Uint8Array {
  const table = new Uint8Array(ASCII);
  table.fill(SPACES, 0, 0x21);
  table.fill(DIGITS, ZERO, ZERO + 10);
  for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$') table[letter.charCodeAt(0)] = LETTERS;
  for (const code of [QUOTE, DOUBLE_QUOTE, BACKQUOTE, AT, SLASH, DASH, HASH, DOT, COLON, STAR]) table[code] = OTHERS;
  return table;
}
