/** What statements read and write, by their texts and by what is known of the schema. */

export { type Dependencies, dependenciesOf } from './dependencies.js';
export { type Effect, effectOf } from './effects.js';
export { type Reach, Schema, type SchemaFacts } from './schema.js';
export { tablesIn } from './tables.js';
