/** The answer to one statement on one connection, as a promise. */

import type { Statement, StatementResult } from '../contract/index.js';
import { isStatementCacheInvalid } from '../errors/index.js';
import type { ManagedConnection } from './managed-connection.js';

/** Runs a statement; prepares it anew when the server no longer knows it. Rejects with mysql2's own error. */
export async function runToAnswer(connection: ManagedConnection, statement: Statement): Promise<StatementResult> {
  try {
    return await runOnce(connection, statement);
  } catch (error) {
    if (statement.method === 'query' || !isStatementCacheInvalid(error)) throw error;
    connection.forgetStatement(statement, error);
    return await runOnce(connection, statement);
  }
}

function runOnce(connection: ManagedConnection, statement: Statement): Promise<StatementResult> {
  return new Promise((resolve, reject) => {
    connection.run(statement, (error, rows, fields) => {
      if (error === null) resolve([rows, fields] as StatementResult);
      else reject(error);
    });
  });
}
