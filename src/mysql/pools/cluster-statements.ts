/** Statements of a cluster: read at its door as a pool's are, run on a connection of one of its pools, which always gets it back. */

import { ignore } from '../../engine/waiting/index.js';
import { DriverPool, type Command } from '../driver/index.js';
import { refusedStatement, stopWhenAbandoned } from '../commands/index.js';

import { keepLimits } from '../limits/index.js';
import { callbackIn, readStatement } from './callback-pool.js';

type ConnectionCallback = (error: Error | null, connection?: unknown) => void;

/** The pools of a cluster whose names match a pattern, as far as we build on it. */
export interface ClusterNamespace {
  getConnection(callback: ConnectionCallback): unknown;
}

/** mysql2's methods of a pool need no more of one. */
interface PoolLike {
  readonly config: { readonly connectionConfig: object };
  getConnection(callback: ConnectionCallback): void;
}

/**
 * mysql2's own throw on a tick of their own what is wrong with a statement, which ends the process, and never give back the connection of one
 * that ends before they listen. A pool's do neither. A second call does nothing.
 */
export function guardNamespace<N extends ClusterNamespace>(namespace: N): N {
  if (Object.hasOwn(namespace, 'query')) return namespace;
  const pool: PoolLike = {
    config: { connectionConfig: {} },
    getConnection: (callback) => {
      namespace.getConnection((error, connection) => {
        // No pool matches: the caller has had no chance yet to listen to the command.
        if (error === null) callback(null, connection);
        else process.nextTick(callback, error);
      });
    },
  };
  const query = (sql: unknown, ...given: unknown[]): Command => {
    const callback = callbackIn(given);
    const statement = readStatement('query', sql, given);
    if (!('sql' in statement)) return refusedStatement(callback, statement.error);
    const command = Reflect.apply<PoolLike, unknown[], Command>(DriverPool.prototype.query as never, pool, [
      statement.forDriver,
      statement.values,
      callback,
    ]);
    if (statement.limits !== undefined) keepLimits(command, statement.limits);
    if (callback === undefined) stopWhenAbandoned(command);
    return command;
  };
  const execute = (sql: unknown, ...given: unknown[]): void => {
    const callback = callbackIn(given);
    const statement = readStatement('execute', sql, given);
    if (!('sql' in statement)) {
      refusedStatement(callback, statement.error);
      return;
    }
    const first = statement.limits === undefined ? statement.forDriver : statement;
    Reflect.apply(DriverPool.prototype.execute, pool, [first, statement.values, callback ?? ignore]);
  };
  Object.defineProperties(namespace, { query: { value: query }, execute: { value: execute } });
  return namespace;
}
