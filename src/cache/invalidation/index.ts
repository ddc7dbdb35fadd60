/** When each name was last invalidated. */

export { ANY_TABLE, EVERYTHING, KEY, type Mark, Marks, SCHEMA, TABLE, TAG } from './marks.js';
