/** The pool's side of the query cache: reads that it answers, writes that it must see, the schema that it knows. */

export { CachedStatements } from './cached-statements.js';
export { KnownSchema } from './known-schema.js';
export { WriteWatch } from './write-watch.js';
