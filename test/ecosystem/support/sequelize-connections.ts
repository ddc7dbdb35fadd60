/** Sequelize has a pool of its own, and no option for another: what it asks its connection manager, our pools answer. */
import type { Sequelize } from 'sequelize';
import type { PoolConnection, PoolOptions } from '../../../src/index.js';

/** What Sequelize has of its connections; its typings show it in part. */
interface ConnectionManager {
  readonly constructor: { _typecast(field: unknown, next: () => unknown): unknown };
  getConnection(options?: StatementOptions): Promise<unknown>;
  releaseConnection(connection: BorrowedConnection): void;
  destroyConnection(connection: BorrowedConnection): Promise<void>;
}

/** What it says of the statement that a connection is for. */
export interface StatementOptions {
  readonly type?: string;
  readonly useMaster?: boolean;
}

interface BorrowedConnection {
  release(): void;
  destroy(): void;
}

interface Lender {
  getConnection(): Promise<PoolConnection>;
}

/** What Sequelize gives to mysql2 when it connects itself. */
export function optionsFor(sequelize: Sequelize): Pick<PoolOptions, 'flags' | 'supportBigNumbers' | 'timezone' | 'typeCast' | 'onConnect'> {
  const manager = managerOf(sequelize);
  return {
    flags: ['-FOUND_ROWS'],
    supportBigNumbers: true,
    timezone: '+00:00',
    typeCast: manager.constructor._typecast.bind(manager),
    onConnect: async (connection) => void (await connection.query("SET time_zone = '+00:00'")),
  };
}

/** Lets it borrow from the pool that is chosen for each statement, or transaction. */
export function connectSequelize(sequelize: Sequelize, poolFor: (options: StatementOptions | undefined) => Lender): void {
  const manager = managerOf(sequelize);
  manager.getConnection = async (options) => (await poolFor(options).getConnection()).connection;
  manager.releaseConnection = (connection) => connection.release();
  manager.destroyConnection = async (connection) => connection.destroy();
}

function managerOf(sequelize: Sequelize): ConnectionManager {
  return sequelize.connectionManager as unknown as ConnectionManager;
}
