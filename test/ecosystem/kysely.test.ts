import { type Generated, Kysely, MysqlDialect, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { createPool } from '../../src/index.js';
import { createDatabase } from '../support/servers/database.js';
import { waitFor } from '../support/wait-for.js';
import { type Author, type DataLayer, describeDataLayer, type Runner } from './support/data-layer.js';

interface Tables {
  authors: { id: Generated<number>; name: string };
  posts: { id: Generated<number>; title: string; author_id: number };
}

class KyselyLayer implements DataLayer {
  constructor(private readonly db: Kysely<Tables>) {}

  async run(text: string): Promise<unknown> {
    return await sql.raw(text).execute(this.db);
  }

  async add({ name, posts }: Author): Promise<void> {
    await this.db.transaction().execute(async (tx) => {
      const { insertId } = await tx.insertInto('authors').values({ name }).executeTakeFirstOrThrow();
      const author_id = Number(insertId);
      if (posts.length > 0)
        await tx
          .insertInto('posts')
          .values(posts.map((title) => ({ title, author_id })))
          .execute();
    });
  }

  async authors(): Promise<Author[]> {
    const rows = await this.db
      .selectFrom('authors as a')
      .leftJoin('posts as p', 'p.author_id', 'a.id')
      .select(['a.name', 'p.title'])
      .orderBy('a.name')
      .orderBy('p.id')
      .execute();
    const names = [...new Set(rows.map(({ name }) => name))];
    return names.map((name) => ({
      name,
      posts: rows.filter((row) => row.name === name && row.title !== null).map((row) => row.title as string),
    }));
  }

  async transaction(work: (tx: Runner) => Promise<void>): Promise<void> {
    await this.db.transaction().execute((tx) => work({ run: (text) => sql.raw(text).execute(tx) }));
  }

  async *names(): AsyncIterable<string> {
    for await (const { name } of this.db.selectFrom('authors').select('name').orderBy('id').stream()) yield name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.db.destroy();
  }
}

describeDataLayer({
  name: 'Kysely',
  packageName: 'kysely',
  endsPool: true,
  open: async (makePool) => new KyselyLayer(new Kysely<Tables>({ dialect: new MysqlDialect({ pool: makePool().pool }) })),
});

describe('Kysely', () => {
  it('aborts a query that is running: it is stopped on the server, and the pool continues', async () => {
    await using database = await createDatabase();
    const pool = createPool({ ...database.connection, connectionLimit: 2, minIdle: 0 });
    const db = new Kysely<Tables>({ dialect: new MysqlDialect({ pool: pool.pool }) });
    for (const inflightQueryAbortStrategy of ['cancel query', 'kill session'] as const) {
      const abort = new AbortController();
      const running = sql`SELECT SLEEP(20)`.execute(db, { signal: abort.signal, inflightQueryAbortStrategy });
      const ended = running.then(
        () => 'it ended',
        (error: Error) => error.name,
      );
      const runs = async (): Promise<boolean> => (await database.processlist()).some(({ info }) => info?.includes('SLEEP(20)') === true);
      await waitFor('the statement', runs);
      abort.abort();
      expect(await ended).toBe('AbortError');
      await waitFor('its end on the server', async () => !(await runs()));
      expect((await sql<{ one: number }>`SELECT 1 AS one`.execute(db)).rows).toEqual([{ one: 1 }]);
      await waitFor('all connections to be back', () => pool.summary().used === 0);
    }
    await db.destroy();
    expect(pool.summary().state).toBe('closed');
  });
});
