import { createPool as createGenericPool } from 'generic-pool';
import promiseMysql, { type Connection } from 'mysql2/promise';
import { Pool as SequelizePool } from 'sequelize-pool';
import { Pool as TarnPool } from 'tarn';
import type { ConnectionPool, Lender, PoolSettings, Row } from './lender.js';
import { mysql2Options } from './mysql2.js';

/** Pools of anything, with mysql2's connections as resources: what data layers and hand-made pools do. */
function over(lender: Lender): ConnectionPool {
  return {
    ...lender,
    async query(sql, values) {
      const connection = await lender.acquire();
      try {
        return await (connection as Connection).query(sql, values as never);
      } finally {
        lender.release(connection);
      }
    },
    queryOn: (connection, sql, values) => (connection as Connection).query(sql, values as never),
    rowsOf: (result) => (result as [Row[]])[0],
  };
}

export function openTarnOverMysql2({ address, limit, minimum = limit }: PoolSettings): ConnectionPool {
  const options = mysql2Options(address);
  const pool = new TarnPool<Connection>({
    create: () => promiseMysql.createConnection(options),
    destroy: (connection) => connection.end(),
    min: minimum,
    max: limit,
  });
  return over({
    acquire: () => pool.acquire().promise,
    release: (connection) => pool.release(connection as Connection),
    close: () => pool.destroy(),
  });
}

export function openGenericPoolOverMysql2({ address, limit, minimum = limit }: PoolSettings): ConnectionPool {
  const options = mysql2Options(address);
  const pool = createGenericPool<Connection>(
    { create: () => promiseMysql.createConnection(options), destroy: (connection) => connection.end() },
    { min: minimum, max: limit },
  );
  return over({
    acquire: () => pool.acquire(),
    release: (connection) => void pool.release(connection as Connection),
    async close() {
      await pool.drain();
      await pool.clear();
    },
  });
}

export function openSequelizePoolOverMysql2({ address, limit, minimum = limit }: PoolSettings): ConnectionPool {
  const options = mysql2Options(address);
  const pool = new SequelizePool<Connection>({
    create: () => promiseMysql.createConnection(options),
    destroy: (connection) => connection.end(),
    validate: () => true,
    min: minimum,
    max: limit,
  });
  return over({
    acquire: () => pool.acquire(),
    release: (connection) => pool.release(connection as Connection),
    async close() {
      await pool.drain();
      await pool.destroyAllNow();
    },
  });
}
