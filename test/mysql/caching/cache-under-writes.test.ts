import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { nameOf, openCachedPool } from '../../cache/support/cached-pool.js';
import { poolOf } from '../../support/pool-on-database.js';
import { createQueryCache } from '../../../src/cache/index.js';
import { waitFor } from '../../support/wait-for.js';

/** Writes without a break, to a table that is not read from the cache. */
async function writing<T>(pool: Pool, work: () => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const writers = [1, 2, 3].map(async (id) => {
    while (!stop.signal.aborted) await pool.query('UPDATE orders SET total = total + 1 WHERE id = ?', [id]);
  });
  try {
    return await work();
  } finally {
    stop.abort();
    await Promise.all(writers);
  }
}

describe('a cache among writes', () => {
  it.each([
    ['CALL', 'CALL nothing()'],
    ['a function that may write', 'DO may_write()'],
    ['a table that is not there', 'DELETE FROM missing'],
    ['a change of the schema', 'CREATE TABLE one_more (id INT)'],
    ['a temporary table that is dropped by its name alone', 'DROP TABLE IF EXISTS one_more'],
  ])('answers again after %s', async (_, sql) => {
    await using fixture = await openCachedPool();
    const { pool, cache, database } = fixture;
    await database.admin('INSERT INTO orders VALUES (1, 1, 1), (2, 1, 1), (3, 1, 1)');
    await database.admin('CREATE PROCEDURE nothing() BEGIN END');
    await database.admin('CREATE FUNCTION may_write() RETURNS INT DETERMINISTIC MODIFIES SQL DATA RETURN 1');
    await writing(pool, async () => {
      for (let time = 0; time < 2; time += 1) {
        await waitFor('hits', async () => {
          const before = cache.stats().hits.memory;
          for (let read = 0; read < 10; read += 1) await nameOf(pool, 1);
          return cache.stats().hits.memory >= before + 9;
        });
        await pool.query(sql).catch(() => undefined);
      }
    });
    expect(cache.stats().hits.memory).toBeGreaterThan(17);
  });

  it('answers soon after a start among writes', async () => {
    await using fixture = await openCachedPool();
    await writing(fixture.pool, async () => {
      await waitFor('a hit', async () => {
        await nameOf(fixture.pool, 1);
        return fixture.cache.stats().hits.memory > 3;
      });
    });
    expect(fixture.cache.stats().hits.memory).toBeGreaterThan(3);
  });

  it('sees what a trigger writes that a procedure has made, at once', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache, database } = fixture;
    await database.admin('INSERT INTO orders VALUES (1, 1, 1)');
    await nameOf(pool, 1);
    await waitFor('the schema', async () => (await nameOf(pool, 1)) === 'user1' && cache.stats().hits.memory > 0);
    // As a procedure would, unseen by the pool and before the call has ended: procedures of MySQL may not create triggers.
    await database.admin("CREATE TRIGGER renames AFTER UPDATE ON orders FOR EACH ROW UPDATE users SET name = 'by trigger' WHERE id = 1");
    await pool.query('CALL does_not_exist()').catch(() => undefined);
    expect(await nameOf(pool, 1)).toBe('user1');
    await pool.query('UPDATE orders SET total = 2');
    expect(await nameOf(pool, 1)).toBe('by trigger');
  });

  it('touches everything with what was written before a statement of unknown effect and committed after it', async () => {
    await using fixture = await openCachedPool();
    const { pool, cache } = fixture;
    await nameOf(pool, 1);
    await using connection = await pool.getConnection();
    await connection.beginTransaction();
    await connection.query('INSERT INTO orders (user_id, total) VALUES (1, 5)');
    await pool.query('CALL does_not_exist()').catch(() => undefined);
    await nameOf(pool, 1);
    const { misses } = cache.stats();
    await connection.commit();
    await nameOf(pool, 1);
    expect(cache.stats().misses).toBe(misses + 1);
  });

  it('keeps no write, no other statement and no read waiting for a long time for a schema that does not come', async () => {
    await using fixture = await openCachedPool();
    const { database } = fixture;
    await using holding = await holdingBack('information_schema.tables', {
      host: database.connection.host ?? '',
      port: database.connection.port ?? 0,
    });
    const cache = createQueryCache({});
    const pool = poolOf(database, { port: holding.port, cache, connectionLimit: 4 });
    for (let time = 0; time < 5; time += 1) {
      await pool.query('INSERT INTO orders (user_id, total) VALUES (1, 5)');
      await pool.query('SELECT COUNT(*) FROM orders');
    }
    await waitFor('the schema to be asked for', () => holding.held === 1);
    // It waits for a second at most, and goes past the cache.
    expect(await nameOf(pool, 1)).toBe('user1');
    await pool.query("UPDATE users SET name = 'new'");
    expect(await nameOf(pool, 1)).toBe('new');
    expect(holding.held).toBe(1);
    expect(cache.stats()).toMatchObject({ entries: 0, misses: 0 });
    holding.letGo();
    await waitFor('hits', async () => (await nameOf(pool, 1)) === 'new' && cache.stats().hits.memory > 0);
    await pool.end();
  });

  it("gives a pool's only connection back when a reading of the schema is held up", async () => {
    await using fixture = await openCachedPool();
    const { connection } = fixture.database;
    await using holding = await holdingBack('information_schema.tables', { host: connection.host ?? '', port: connection.port ?? 0 });
    const pool = poolOf(fixture.database, { port: holding.port, cache: createQueryCache({}), connectionLimit: 1 });
    await pool.query('INSERT INTO orders (user_id, total) VALUES (1, 5)');
    await waitFor('the schema to be asked for', () => holding.held === 1);
    expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
    holding.letGo();
    await pool.end();
  });
});

interface Holding extends AsyncDisposable {
  readonly port: number;
  /** Messages that are held back. */
  readonly held: number;
  letGo(): void;
}

/** A network that holds back what a client sends in a message with a word, and passes on the rest. */
async function holdingBack(word: string, target: { readonly host: string; readonly port: number }): Promise<Holding> {
  let waiting: (() => void)[] = [];
  let open = false;
  const server: Server = createServer((client) => {
    const upstream = connect(target);
    upstream.pipe(client);
    client.on('data', (bytes) => {
      if (open || !bytes.includes(word)) upstream.write(bytes);
      else waiting.push(() => void upstream.write(bytes));
    });
    client.on('close', () => upstream.destroy());
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get held() {
      return waiting.length;
    },
    letGo() {
      open = true;
      for (const send of waiting) send();
      waiting = [];
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
