/** Values and keys as bytes and copies that keep their types. */

export { hashOf, textOf } from './key.js';
export { anyValue, statementResult, type ValueKind, withPlainFields } from './value-kind.js';
