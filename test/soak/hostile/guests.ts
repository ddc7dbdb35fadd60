/** Callers that misuse a pool in every known way, and the well-behaved twin of each misuse, for comparison. */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { PoolConnection as CallbackConnection, QueryOptions } from 'mysql2';
import type { Pool } from '../../../src/index.js';

/** What a guest does with the pool. A rejection is the expected end of a misuse. */
export type Visit = (pool: Pool, signal: AbortSignal) => Promise<unknown>;

/** One misuse and what a well-behaved caller does in its place, with about the same cost for the server. */
export interface Guest {
  readonly hostile: Visit;
  readonly polite: Visit;
}

const LARGE_COMMENT = `/*${'* part of a dump\n'.repeat(2_000)}*/`;
const HOSTILE_TEXTS: readonly string[] = [
  `${'/* part of a dump */\n'.repeat(3_000)}SELECT`,
  `SELECT ${'('.repeat(30_000)}`,
  `SELECT '${"a''".repeat(20_000)}`,
  ';'.repeat(60_000),
  `/*!${'/*!50003 '.repeat(6_000)}`,
];
const NO_TEXTS: readonly unknown[] = [undefined, null, 5, {}, { sql: 5 }, Symbol('statement')];
const NOT_JSON = [{ id: 10n }];
const LOAD = "LOAD DATA LOCAL INFILE 'guests' INTO TABLE guests";

const statement = (options: object): QueryOptions => options as QueryOptions;

function pick<T>(values: readonly T[]): T {
  return values[Math.floor(Math.random() * values.length)] as T;
}

async function borrow(pool: Pool, use: (connection: Awaited<ReturnType<Pool['getConnection']>>) => Promise<unknown>): Promise<void> {
  const connection = await pool.getConnection();
  try {
    await use(connection);
  } finally {
    connection.release();
  }
}

function executeByCallback(pool: Pool, values: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    pool.pool.execute('SELECT ? AS value', values as string[], (error, rows) => (error === null ? resolve(rows) : reject(error)));
  });
}

function executeOnBorrowedByCallback(pool: Pool, values: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    pool.pool.getConnection((refusal, connection: CallbackConnection) => {
      if (refusal !== null) return reject(refusal);
      connection.execute('SELECT ? AS value', values as string[], (error, rows) => {
        connection.release();
        if (error === null) resolve(rows);
        else reject(error);
      });
    });
  });
}

const lines = (): Readable => Readable.from([Buffer.from('1\n2\n')]);

function destroyedLines(error?: Error): Readable {
  const stream = new Readable({ read: () => undefined });
  setImmediate(() => stream.destroy(error));
  return stream;
}

const plain: Visit = (pool) => pool.query('SELECT 1');

/** By the kind of fault that each once was. */
export const GUESTS: Readonly<Record<string, Guest>> = {
  'hostile text': {
    hostile: (pool) => pool.query(pick(HOSTILE_TEXTS)),
    polite: (pool) => pool.query(`${LARGE_COMMENT} SELECT 1`),
  },
  'no text': { hostile: (pool) => pool.query(pick(NO_TEXTS) as string), polite: plain },
  'parameter that cannot be sent': {
    hostile: (pool) => pool.execute('SELECT ? AS value', NOT_JSON),
    polite: (pool) => pool.execute('SELECT ? AS value', ['text']),
  },
  'the same by callback': {
    hostile: (pool) => executeByCallback(pool, NOT_JSON),
    polite: (pool) => executeByCallback(pool, ['text']),
  },
  'the same on a borrowed connection': {
    hostile: (pool) => executeOnBorrowedByCallback(pool, NOT_JSON),
    polite: (pool) => executeOnBorrowedByCallback(pool, ['text']),
  },
  'typeCast that throws': {
    hostile: (pool) =>
      pool.query({
        sql: 'SELECT 1 AS value',
        typeCast: () => {
          throw new Error('typeCast of a guest');
        },
      }),
    polite: (pool) => pool.query({ sql: 'SELECT 1 AS value', typeCast: (_field, next) => next() }),
  },
  'LOAD DATA whose factory throws': {
    hostile: (pool) =>
      pool.query(
        statement({
          sql: LOAD,
          infileStreamFactory: () => {
            throw new Error('factory of a guest');
          },
        }),
      ),
    polite: (pool) => pool.query(statement({ sql: LOAD, infileStreamFactory: lines })),
  },
  'LOAD DATA whose stream is destroyed': {
    hostile: (pool) => pool.query(statement({ sql: LOAD, infileStreamFactory: () => destroyedLines() })),
    polite: (pool) => pool.query(statement({ sql: LOAD, infileStreamFactory: lines })),
  },
  'LOAD DATA whose stream fails': {
    hostile: (pool) => pool.query(statement({ sql: LOAD, infileStreamFactory: () => destroyedLines(new Error('stream of a guest')) })),
    polite: (pool) => pool.query(statement({ sql: LOAD, infileStreamFactory: lines })),
  },
  'time-out of 30 ms': {
    hostile: (pool) => pool.query({ sql: 'SELECT SLEEP(1)', timeout: 30 }),
    polite: (pool) => pool.query('SELECT SLEEP(0.03)'),
  },
  'own KILL QUERY': {
    hostile: (pool) => borrow(pool, (connection) => connection.query(`KILL QUERY ${connection.threadId}`)),
    polite: (pool) => borrow(pool, (connection) => connection.query('SELECT CONNECTION_ID()')),
  },
  'own KILL CONNECTION': {
    hostile: (pool) => borrow(pool, (connection) => connection.query(`KILL CONNECTION ${connection.threadId}`)),
    polite: (pool) => borrow(pool, (connection) => connection.query('SELECT CONNECTION_ID()')),
  },
  'changeUser for each request': {
    hostile: (pool) =>
      borrow(pool, async (connection) => {
        await connection.changeUser({ database: 'information_schema' });
        await connection.query('SELECT 1');
      }),
    polite: (pool) => borrow(pool, (connection) => connection.query('SELECT 1')),
  },
  CALL: { hostile: (pool) => pool.query('CALL guests_nothing()'), polite: plain },
  'stream destroyed at once': {
    hostile: async (pool) => {
      const stream = pool.pool.query('SELECT 1').stream();
      stream.on('error', () => undefined);
      stream.destroy();
      await once(stream, 'close');
    },
    polite: (pool) => pool.pool.query('SELECT 1').stream().toArray(),
  },
  'one signal for the life of the process': {
    hostile: (pool, signal) => pool.query({ sql: 'SELECT 1', signal }),
    polite: plain,
  },
};
