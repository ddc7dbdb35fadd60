/** What the reader of SQL must know of the prepared schema, asked of the server. */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { Schema } from '../../../src/sql/index.js';
import { MAIN_DATABASE, OTHER_DATABASE } from './server-schema.js';

const HERE = `IN ('${MAIN_DATABASE}', '${OTHER_DATABASE}')`;

export async function readSchemaFacts(connection: Connection): Promise<Schema> {
  const read = async (sql: string): Promise<string[][]> =>
    (await connection.query<RowDataPacket[]>({ sql, rowsAsArray: true }))[0] as unknown as string[][];
  const small = (name: string | undefined): string => String(name).toLowerCase();
  const tables = await read(`SELECT DISTINCT table_name FROM information_schema.tables WHERE table_schema ${HERE}`);
  const views = await read(`SELECT table_name, view_definition FROM information_schema.views WHERE table_schema ${HERE}`);
  const triggers = await read(`SELECT event_object_table, action_statement FROM information_schema.triggers WHERE trigger_schema ${HERE}`);
  const cascades = await read(
    `SELECT referenced_table_name, table_name FROM information_schema.referential_constraints WHERE constraint_schema ${HERE}`,
  );
  const routines = await read(`SELECT routine_name FROM information_schema.routines WHERE routine_schema ${HERE}`);
  return new Schema({
    tables: tables.map(([name]) => small(name)),
    views: views.map(([name, definition]) => ({ name: small(name), definition })),
    triggers: triggers.map(([table, body]) => ({ table: small(table), body })),
    cascades: cascades.map(([parent, child]) => ({ parent: small(parent), child: small(child) })),
    routines: routines.map(([name]) => small(name)),
    epoch: '',
  });
}
