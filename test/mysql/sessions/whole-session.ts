/** The whole session of a connection, as far as its borrower can see it. */
import type { PoolConnection } from '../../../src/mysql/connections/borrowed-connection.js';
import type { Queryable } from '../../support/pool-on-database.js';

/** Different in each session or at each moment, or of the whole server. */
const VOLATILE = new Set(
  `error_count gtid_binlog_pos gtid_binlog_state gtid_current_pos gtid_executed gtid_purged pseudo_thread_id rand_seed1 rand_seed2 statement_id
  timestamp warning_count`.split(/\s+/),
);
const IN_TRANSACTION = 1;

export type WholeSession = ReadonlyMap<string, unknown>;

/** The session's variables. */
export async function variablesOf(connection: Queryable): Promise<Map<string, string>> {
  const [rows] = await connection.query<never>('SHOW SESSION VARIABLES');
  const variables = (rows as { Variable_name: string; Value: string }[]).map((row) => [row.Variable_name, row.Value] as const);
  return new Map(variables.filter(([name]) => !VOLATILE.has(name)));
}

export async function wholeSession(connection: PoolConnection): Promise<WholeSession> {
  const session = new Map<string, unknown>(await variablesOf(connection));
  const seen =
    "DATABASE() AS db, CURRENT_ROLE() AS role, CURRENT_USER() AS user, @left AS variable, IS_USED_LOCK(CONCAT('left-', DATABASE())) AS held";
  const [[row]] = (await connection.query(`SELECT ${seen}`)) as unknown as [Record<string, unknown>[]];
  for (const [name, value] of Object.entries(row ?? {})) session.set(`the ${name}`, value);
  session.set('a temporary table', await outcome(connection, 'SELECT * FROM left_behind'));
  session.set('a prepared statement', await outcome(connection, 'EXECUTE left_behind'));
  session.set('an open table', await outcome(connection, 'HANDLER kept READ FIRST'));
  session.set('a write', await outcome(connection, 'INSERT INTO kept VALUES (2)'));
  return session;
}

/** What differs, in words. */
export function differences(expected: WholeSession, seen: WholeSession): string[] {
  return [...expected]
    .filter(([name, value]) => seen.get(name) !== value)
    .map(([name, value]) => `${name}: ${String(value)} became ${String(seen.get(name))}`);
}

/** An error's number, or whether a transaction is open. */
async function outcome(connection: PoolConnection, sql: string): Promise<unknown> {
  try {
    const [result] = await connection.query(sql);
    return 'serverStatus' in result && (result.serverStatus & IN_TRANSACTION) !== 0 ? 'in a transaction' : 'done';
  } catch (error) {
    return (error as { errno?: number }).errno;
  }
}
