/** The one reader of SQL: from the text of a statement to its facts, in time that grows with the text's length only. */

export { firstWordsOf } from './token-list.js';
export { type Dependencies, dependenciesOf, type Effect, effectOf, type Reach, Schema, type SchemaFacts } from './reach/index.js';
export type { TelemetryNames } from './digest.js';
export { commentOf, withTrailingComment } from './trailing-comment.js';
export { factsOf, type StatementFacts } from './statement-facts.js';
