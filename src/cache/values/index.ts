/** Values and keys as bytes and copies that keep their types. */

export { bytesOf, type Envelope, FORMAT, Garbage, openEnvelope, sealEnvelope } from './codec.js';
export { hashOf, textOf } from './key.js';
export { anyValue, statementResult, type ValueKind, withPlainFields } from './value-kind.js';
