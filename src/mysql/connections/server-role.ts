/** Asks a server whether it takes writes, and refuses a connection to a server in another role than the pool is for. */

import { PoolError } from '../../engine/index.js';
import { isServerError } from '../errors/index.js';
import type { ServerRole } from '../options/index.js';
import type { ManagedConnection } from './managed-connection.js';

/**
 * The variables by which servers say that they take no writes, each where it exists: MySQL and MariaDB the first, MySQL the second, Aurora's
 * readers the third, TiDB the others. SHOW passes over names that a server does not have.
 */
export const READ_ONLY_VARIABLES: readonly string[] = [
  'read_only',
  'super_read_only',
  'innodb_read_only',
  'tidb_super_read_only',
  'tidb_restricted_read_only',
];

const SHOW_VARIABLES = `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${READ_ONLY_VARIABLES.map((name) => `'${name}'`).join(', ')})`;

/** The newer words first: MySQL since 8.0.22 and MariaDB since 10.5.1 know them. */
const SHOW_STATUS = ['SHOW REPLICA STATUS', 'SHOW SLAVE STATUS'];

/** The statement is not known in these words. */
const PARSE_ERROR = 1064;

/** A connection was opened, and its server is in another role than the pool is for. The connection is closed. */
export class WrongRole extends PoolError {
  constructor(message: string) {
    super('POOL_ENDPOINT_POISONED', message);
  }
}

/**
 * Resolves when the server at the other end is in the role that the pool is for. A writer is a server that takes writes, whether it replicates or
 * not. A reader is a server that takes none, or that replicates from another.
 *
 * @throws WrongRole saying what the server is instead
 */
export async function checkRole(connection: ManagedConnection, wanted: Exclude<ServerRole, 'any'>): Promise<void> {
  const variables = await rowsOf(connection, SHOW_VARIABLES);
  const readOnly = variables.find(([, value]) => saysReadOnly(value));
  if (wanted === 'writer') {
    if (variables.length === 0) throw wrongRole(connection, 'does not say whether it takes writes (it has no variable read_only)');
    if (readOnly !== undefined) throw wrongRole(connection, `is not a writer (${readOnly.join(' = ')})`);
    return;
  }
  if (readOnly !== undefined) return;
  const replicates = await isReplica(connection);
  if (replicates !== true) throw wrongRole(connection, `is not a reader (read_only = OFF, ${replicates})`);
}

/** Whether the value of one of these variables says so. MariaDB 12 has more words for it than ON. */
export function saysReadOnly(value: string | undefined): boolean {
  return value !== 'OFF' && value !== '0';
}

/** Otherwise why it is not known to be one. */
async function isReplica(connection: ManagedConnection): Promise<true | string> {
  for (const sql of SHOW_STATUS) {
    try {
      return (await rowsOf(connection, sql)).length > 0 || 'and it does not replicate';
    } catch (error) {
      if (!isServerError(error)) throw error;
      if (error.errno !== PARSE_ERROR) return `and this user may not ask whether it replicates: ${error.message}`;
    }
  }
  return 'and it knows nothing of replication';
}

/** The address too, where a name led to it: names that are out of date are the usual reason. */
function wrongRole({ stream, config: { host, port, socketPath } }: ManagedConnection, what: string): WrongRole {
  const address = stream.remoteAddress;
  const resolved = address === undefined || address === host ? '' : `, which is ${address} now,`;
  const place = socketPath ?? `${host}:${port}${resolved}`;
  return new WrongRole(`the pool connects, but ${place} ${what}`);
}

/** In place of the pool's own options for results. */
function rowsOf(connection: ManagedConnection, sql: string): Promise<readonly (readonly string[])[]> {
  return new Promise((resolve, reject) => {
    connection.query({ sql, typeCast: true, rowsAsArray: true, nestTables: false }, (error: Error | null, rows: unknown) => {
      if (error === null) resolve((rows as unknown[][]).map((row) => row.map(String)));
      else reject(error);
    });
  });
}
