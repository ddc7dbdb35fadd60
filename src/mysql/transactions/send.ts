import type { QueryValues } from '../driver/index.js';
import { isStatementCacheInvalid, statementFailure } from '../errors/index.js';
import type { ManagedConnection } from '../connections/index.js';
import type { StatementOptions } from '../contract/index.js';

/** A text alone goes to the driver as it is: of an object it makes a copy, which costs it more than the rest of its work. */
export async function send(
  connection: ManagedConnection,
  method: 'query' | 'execute',
  statement: string | StatementOptions,
  values?: QueryValues,
): Promise<unknown> {
  try {
    return await sendOnce(connection, method, statement, values);
  } catch (error) {
    if (method === 'query' || !isStatementCacheInvalid(error)) throw error;
    connection.forgetStatement(statement, error);
    return await sendOnce(connection, method, statement, values);
  }
}

function sendOnce(
  connection: ManagedConnection,
  method: 'query' | 'execute',
  statement: string | StatementOptions,
  values: QueryValues | undefined,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, rows?: unknown, fields?: unknown): void => {
      if (error === null) resolve([rows, fields]);
      else reject(statementFailure(error));
    };
    if (values === undefined) connection[method](statement, done);
    else connection[method](statement, values, done);
  });
}
