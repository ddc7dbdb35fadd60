/** Names of what a value depends on, and when each was last invalidated. */

export { type Mark, Marks } from './marks.js';
export {
  ANY_TABLE,
  EVERYTHING,
  isOfSchema,
  KEY,
  namesChangedIn,
  namesOf,
  namesReadFrom,
  SCHEMA,
  SCHEMA_DOUBT,
  TABLE,
  tableNames,
  TAG,
  withAnyTable,
} from './names.js';
