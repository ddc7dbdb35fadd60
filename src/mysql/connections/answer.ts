/** The answer to one statement on one connection, as a promise. */

import type { Statement, StatementResult } from '../contract/index.js';
import { type Flavor, isStatementCacheInvalid } from '../errors/index.js';
import type { ManagedConnection } from './managed-connection.js';

/**
 * Runs a statement; prepares it again when the server no longer knows it.
 *
 * @param flavor in whose words a failure is put
 */
export async function runToAnswer(
  connection: ManagedConnection,
  statement: Statement,
  flavor: Pick<Flavor, 'statementFailure'>,
): Promise<StatementResult> {
  try {
    return await runOnce(connection, statement, flavor);
  } catch (error) {
    if (statement.method === 'query' || !isStatementCacheInvalid(error)) throw error;
    connection.forgetStatement(statement, error);
    return await runOnce(connection, statement, flavor);
  }
}

function runOnce(connection: ManagedConnection, statement: Statement, flavor: Pick<Flavor, 'statementFailure'>): Promise<StatementResult> {
  return new Promise((resolve, reject) => {
    connection.run(statement, (error, rows, fields) => {
      if (error === null) resolve([rows, fields] as StatementResult);
      else reject(flavor.statementFailure(error));
    });
  });
}
