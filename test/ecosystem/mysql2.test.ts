import { once } from 'node:events';
import type { Pool as CallbackPool, PoolConnection as CallbackConnection } from 'mysql2';
import type { Pool as PromisePool, PoolConnection, RowDataPacket } from 'mysql2/promise';
import { type Author, type DataLayer, describeDataLayer, type Runner } from './support/data-layer.js';

const JOIN = 'SELECT a.name, p.title FROM authors a LEFT JOIN posts p ON p.author_id = a.id ORDER BY a.name, p.id';

function nested(rows: readonly RowDataPacket[]): Author[] {
  const posts = new Map<string, string[]>();
  for (const row of rows) {
    const titles = posts.get(row['name'] as string) ?? [];
    if (row['title'] !== null) titles.push(row['title'] as string);
    posts.set(row['name'] as string, titles);
  }
  return [...posts].map(([name, titles]) => ({ name, posts: titles }));
}

/** Code that was written for mysql2/promise: it knows nothing of us but the pool that it is given. */
class PromiseCode implements DataLayer {
  constructor(private readonly pool: PromisePool) {}

  async run(sql: string): Promise<unknown> {
    return await this.pool.query(sql);
  }

  async add({ name, posts }: Author): Promise<void> {
    await this.#transact(async (connection) => {
      const [author] = await connection.execute('INSERT INTO authors (name) VALUES (?)', [name]);
      const { insertId } = author as { insertId: number };
      if (posts.length > 0)
        await connection.query('INSERT INTO posts (title, author_id) VALUES ?', [posts.map((title) => [title, insertId])]);
    });
  }

  async authors(): Promise<Author[]> {
    const [rows] = await this.pool.execute<RowDataPacket[]>(JOIN);
    return nested(rows);
  }

  async transaction(work: (tx: Runner) => Promise<void>): Promise<void> {
    await this.#transact((connection) => work({ run: (sql) => connection.query(sql) }));
  }

  async *names(): AsyncIterable<string> {
    const connection = await this.pool.getConnection();
    try {
      const { connection: raw } = connection as unknown as { connection: CallbackConnection };
      for await (const row of raw.query('SELECT name FROM authors ORDER BY id').stream()) yield (row as { name: string }).name;
    } finally {
      connection.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #transact(work: (connection: PoolConnection) => Promise<void>): Promise<void> {
    const connection = await this.pool.getConnection();
    try {
      await connection.beginTransaction();
      await work(connection);
      await connection.commit();
    } catch (error) {
      await connection.rollback().catch(() => undefined);
      throw error;
    } finally {
      connection.release();
    }
  }
}

/** Code that was written for mysql2's callbacks. */
class CallbackCode implements DataLayer {
  constructor(private readonly pool: CallbackPool) {}

  run(sql: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.pool.query(sql, (error, rows) => (error === null ? resolve(rows) : reject(error)));
    });
  }

  add({ name, posts }: Author): Promise<void> {
    return this.#transact((connection, done) => {
      connection.execute('INSERT INTO authors (name) VALUES (?)', [name], (error, header) => {
        if (error !== null || posts.length === 0) {
          done(error);
          return;
        }
        const { insertId } = header as { insertId: number };
        connection.query('INSERT INTO posts (title, author_id) VALUES ?', [posts.map((title) => [title, insertId])], (failure) =>
          done(failure),
        );
      });
    });
  }

  authors(): Promise<Author[]> {
    return new Promise((resolve, reject) => {
      this.pool.execute<RowDataPacket[]>(JOIN, (error, rows) => (error === null ? resolve(nested(rows)) : reject(error)));
    });
  }

  transaction(work: (tx: Runner) => Promise<void>): Promise<void> {
    return this.#transact((connection, done) => {
      const run = (sql: string): Promise<unknown> =>
        new Promise((resolve, reject) => {
          connection.query(sql, (error, rows) => (error === null ? resolve(rows) : reject(error)));
        });
      work({ run }).then(() => done(null), done);
    });
  }

  async *names(): AsyncIterable<string> {
    const stream = this.pool.query('SELECT name FROM authors ORDER BY id').stream();
    for await (const row of stream) yield (row as { name: string }).name;
    if (!stream.closed) await once(stream, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #transact(work: (connection: CallbackConnection, done: (error: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.pool.getConnection((failure, connection) => {
        if (failure !== null) {
          reject(failure);
          return;
        }
        const rollBack = (error: Error): void => {
          connection.rollback(() => {
            connection.release();
            reject(error);
          });
        };
        connection.beginTransaction((begun) => {
          if (begun !== null) {
            rollBack(begun);
            return;
          }
          work(connection, (error) => {
            if (error !== null) {
              rollBack(error);
              return;
            }
            connection.commit((uncommitted) => {
              if (uncommitted !== null) {
                rollBack(uncommitted);
                return;
              }
              connection.release();
              resolve();
            });
          });
        });
      });
    });
  }
}

describeDataLayer({
  name: 'mysql2/promise',
  packageName: 'mysql2',
  endsPool: false,
  open: async (makePool) => new PromiseCode(makePool()),
});
describeDataLayer({
  name: 'mysql2, callbacks',
  packageName: 'mysql2',
  endsPool: false,
  open: async (makePool) => new CallbackCode(makePool().pool),
});
