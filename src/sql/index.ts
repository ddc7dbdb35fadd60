/** The one reader of SQL: from the text of a statement to its facts, in time that grows with the text's length only. */

export { type Dependencies, dependenciesOf } from './dependencies.js';
export { type Effect, effectOf } from './effects.js';
export { type Reach, Schema, type SchemaFacts } from './schema.js';
export { firstWordsOf } from './token-list.js';
export { factsOf, type StatementFacts } from './statement-facts.js';
