/** Reads the schema from the server: tables and their engines, views, triggers, foreign keys, routines, and how much of them this user may see. */

import { nodeCrypto } from '../../packages/index.js';
import type { SchemaFacts } from '../../sql/index.js';

/** Runs a statement and gives its rows as arrays. */
export type ReadRows = (sql: string) => Promise<readonly (readonly unknown[])[]>;

const NOT_OF_THE_SYSTEM = "NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')";

/** Everything that a cache must know of the schema. The server shows a user what that user may see: see docs/caching.md. */
export async function readSchema(read: ReadRows): Promise<SchemaFacts> {
  const tables = await read(
    `SELECT table_schema, table_name, engine, table_type FROM information_schema.tables WHERE table_schema ${NOT_OF_THE_SYSTEM}`,
  );
  const views = await read(`SELECT table_name, view_definition FROM information_schema.views WHERE table_schema ${NOT_OF_THE_SYSTEM}`);
  const triggers = await read(
    `SELECT event_object_table, action_statement FROM information_schema.triggers WHERE trigger_schema ${NOT_OF_THE_SYSTEM}`,
  );
  const cascades = await read(
    `SELECT referenced_table_name, table_name FROM information_schema.referential_constraints
     WHERE update_rule NOT IN ('RESTRICT', 'NO ACTION') OR delete_rule NOT IN ('RESTRICT', 'NO ACTION')`,
  );
  // A procedure has no place in an expression, and what CALL does counts as unknown in any case.
  const routines = await read(
    `SELECT routine_name, routine_type, routine_definition, sql_data_access FROM information_schema.routines
     WHERE routine_schema ${NOT_OF_THE_SYSTEM} AND routine_type <> 'PROCEDURE'`,
  );
  const columns = await read(
    `SELECT table_name, column_name, column_type, is_nullable, collation_name, generation_expression
     FROM information_schema.columns
     WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position`,
  );
  const seen = await databasesSeen(read);
  return {
    tables: [...new Set(tables.map(([, name]) => nameOf(name)))],
    views: views.map(([name, definition]) => ({ name: nameOf(name), definition: textOf(definition) })),
    triggers: triggers.map(([table, body]) => ({ table: nameOf(table), body: textOf(body) })),
    cascades: cascades.map(([parent, child]) => ({ parent: nameOf(parent), child: nameOf(child) })),
    routines: [...new Set(routines.map(([name]) => nameOf(name)))],
    functions: routines.flatMap(([name, type, body, access]) =>
      type === 'FUNCTION' ? [{ name: nameOf(name), body: textOf(body) ?? declaredBody(access) }] : [],
    ),
    engines: tables.flatMap(([, name, engine, type]) => engineOf(nameOf(name), engine, type)),
    generated: columns.flatMap(([table, , , , , expression]) =>
      typeof expression === 'string' && expression !== '' ? [{ table: nameOf(table), expression }] : [],
    ),
    halfSeen: seen === 'all' ? [] : tables.filter(([database]) => !seen.has(String(database))).map(([, name]) => nameOf(name)),
    epoch: nodeCrypto().createHash('sha256').update(JSON.stringify(columns)).digest('base64url').slice(0, 12),
  };
}

/** A sequence counts as an engine, views have none. */
function engineOf(table: string, engine: unknown, type: unknown): { readonly table: string; readonly engine: string }[] {
  if (type === 'VIEW' || type === 'SYSTEM VIEW') return [];
  return [{ table, engine: typeof engine === 'string' && type !== 'SEQUENCE' ? engine : String(type) }];
}

/**
 * The databases of which this user may see every trigger: those on which it has the privilege TRIGGER itself. The server shows it all tables of
 * these, too. TiDB has no triggers.
 */
async function databasesSeen(read: ReadRows): Promise<ReadonlySet<string> | 'all'> {
  // Without brackets: while the schema is not known, what may call a function of its own is taken for a write of everything.
  const [[account, version] = []] = await read('SELECT CURRENT_USER, @@version');
  if (String(version).includes('TiDB')) return 'all';
  const at = String(account).lastIndexOf('@');
  const grantee = `'${String(account).slice(0, at)}'@'${String(account).slice(at + 1)}'`.replaceAll('\\', '\\\\').replaceAll("'", "''");
  const isOwn = `privilege_type = 'TRIGGER' AND grantee = '${grantee}'`;
  const everywhere = await read(`SELECT 1 FROM information_schema.user_privileges WHERE ${isOwn}`);
  if (everywhere.length > 0) return 'all';
  // A privilege may be for all databases whose names are like a pattern.
  const databases = await read(
    `SELECT s.schema_name FROM information_schema.schemata s
     WHERE EXISTS (SELECT 1 FROM information_schema.schema_privileges p WHERE ${isOwn} AND s.schema_name LIKE p.table_schema)`,
  );
  return new Set(databases.map(([name]) => String(name)));
}

/** Of a function whose body is not shown: its author's word that it only reads. What is declared of none is not believed. */
function declaredBody(access: unknown): string | undefined {
  return access === 'READS SQL DATA' || access === 'NO SQL' ? '' : undefined;
}

function nameOf(value: unknown): string {
  return String(value).toLowerCase();
}

/** The server shows an empty text to a user that may not see it. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
