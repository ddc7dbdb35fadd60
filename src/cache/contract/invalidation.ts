/** What a caller asks a cache to invalidate: tags, tables, keys, or everything. */

/** What becomes invalid. */
export interface Invalidation {
  readonly tags?: readonly string[];
  /** Names of tables, without their database, in upper or lower case. */
  readonly tables?: readonly string[];
  /** Keys that were given by name: as `key` of a statement, or to `wrap`. */
  readonly keys?: readonly string[];
  readonly all?: boolean;
}
