/** The names that values depend on and that invalidations carry: a table, a tag or a key, each kind behind its own prefix. */
import { invalid } from '../../engine/index.js';
import { checkedNames, type Invalidation } from '../contract/index.js';

/** The prefixes keep the kinds of names apart: a tag `users` is not the table `users`. */
export const TABLE = 't:';
export const TAG = 'g:';
export const KEY = 'k:';
/** Everything that is cached. */
export const EVERYTHING = '*';
/** The database's schema: it was changed. */
export const SCHEMA = 's:';
/** The same: it may have been changed, by a statement of unknown effect. What is known of it has to be checked. */
export const SCHEMA_DOUBT = 's:?';
/** Every invalidation of a table carries this name too. A value depends on it when its tables are unknown. */
export const ANY_TABLE = 't:*';

/** Whether another process's schema has to be read again for it. */
export function isOfSchema(name: string): boolean {
  return name === SCHEMA || name === SCHEMA_DOUBT;
}

/** The names of these tables. Tables are compared in lower case, as the cache's schema has them. */
export function tableNames(tables: readonly string[]): string[] {
  return tables.map((table) => TABLE + table.toLowerCase());
}

/** What a value depends on that was read from these tables. Any write makes it invalid when its tables are unknown. */
export function namesReadFrom(tables: readonly string[] | 'everything'): string[] {
  return tables === 'everything' ? [ANY_TABLE] : tableNames(tables);
}

/** What a write to these tables makes invalid. It is all that is cached when the tables are unknown. */
export function namesChangedIn(tables: readonly string[] | 'everything'): string[] {
  return tables === 'everything' ? [EVERYTHING] : tableNames(tables);
}

/** @throws PoolError `POOL_OPTION_INVALID` */
export function namesOf({ tags, tables, keys, all }: Invalidation): string[] {
  if (all !== undefined && typeof all !== 'boolean') throw invalid('all', all, 'true or false');
  return [
    ...checkedNames('tags', tags).map((tag) => TAG + tag),
    ...tableNames(checkedNames('tables', tables)),
    ...checkedNames('keys', keys).map((key) => KEY + key),
    ...(all === true ? [EVERYTHING] : []),
  ];
}

/** The names with {@link ANY_TABLE} added when a table is among them. */
export function withAnyTable(given: readonly string[]): readonly string[] {
  return given.some((name) => name.startsWith(TABLE)) ? [...given, ANY_TABLE] : given;
}
