/** mysql2's pool types, with Poolwright's options of statements added. */

import type {
  CallbackPoolOfMysql2,
  DriverPromisePool,
  ExecuteValues,
  FieldPacket,
  QueryCommand,
  QueryError,
  QueryResult,
  QueryValues,
} from '../driver/index.js';
import type { StatementOptions } from './statement-options.js';

/**
 * mysql2's pools, whose statements also take Poolwright's options (`cache`, `signal`, `idempotent` …). The connections that they lend do not:
 * what is asked on a borrowed connection is neither answered by the cache nor stored in it.
 */

type ResultOf<T extends QueryResult> = (error: QueryError | null, result: T, fields: FieldPacket[]) => unknown;

/** By callback. */
export interface TakesStatementsByCallback {
  query<T extends QueryResult>(options: StatementOptions, callback?: ResultOf<T>): QueryCommand;
  query<T extends QueryResult>(options: StatementOptions, values: QueryValues, callback?: ResultOf<T>): QueryCommand;
  execute<T extends QueryResult>(options: StatementOptions, callback?: ResultOf<T>): QueryCommand;
  execute<T extends QueryResult>(options: StatementOptions, values: ExecuteValues, callback?: ResultOf<T>): QueryCommand;
  promise(promiseImplementation?: PromiseConstructor): PromisePool;
}

/** By promise. */
export interface TakesStatements {
  readonly pool: CallbackPoolView;
  query<T extends QueryResult>(options: StatementOptions, values?: QueryValues): Promise<[T, FieldPacket[]]>;
  execute<T extends QueryResult>(options: StatementOptions, values?: ExecuteValues): Promise<[T, FieldPacket[]]>;
}

/** mysql2's callback pool, as a managed one is seen. */
export type CallbackPoolView = TakesStatementsByCallback & CallbackPoolOfMysql2;

/** mysql2/promise's pool, as a managed one is seen. */
export type PromisePool = TakesStatements & DriverPromisePool;
