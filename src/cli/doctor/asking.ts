/** Asks a server for rows of values. */

import type { Pool } from '../../mysql/index.js';

/** A pool, or a connection of one. */
export type Askable = Pick<Pool, 'query'>;

/** What the doctor asks for. */
type Value = string | number | bigint | null;

/** All rows. */
export async function valuesOf(session: Askable, sql: string): Promise<readonly (readonly Value[])[]> {
  const [rows] = await session.query({ sql, rowsAsArray: true });
  return rows as unknown as Value[][];
}

/** The first row's values, as text. */
export async function row(session: Askable, sql: string): Promise<readonly (string | null)[]> {
  return ((await valuesOf(session, sql))[0] ?? []).map((value) => (value === null ? null : String(value)));
}

/** The first column of every row, as text. */
export async function column(session: Askable, sql: string): Promise<string[]> {
  return (await valuesOf(session, sql)).map(([first]) => String(first));
}

/** Names and values, the names in lower case. */
export async function pairs(session: Askable, sql: string): Promise<(readonly [string, string])[]> {
  return (await valuesOf(session, sql)).map(([name, value]) => [String(name).toLowerCase(), String(value)] as const);
}
