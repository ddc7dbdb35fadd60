import { asc, relations, sql } from 'drizzle-orm';
import { drizzle, type MySql2Database } from 'drizzle-orm/mysql2';
import { int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { type Author, type DataLayer, describeDataLayer, type Runner } from './support/data-layer.js';

const authors = mysqlTable('authors', {
  id: int().primaryKey().autoincrement(),
  name: varchar({ length: 100 }).notNull(),
});
const posts = mysqlTable('posts', {
  id: int().primaryKey().autoincrement(),
  title: varchar({ length: 100 }).notNull(),
  authorId: int('author_id').notNull(),
});
const schema = {
  authors,
  posts,
  authorsRelations: relations(authors, ({ many }) => ({ posts: many(posts) })),
  postsRelations: relations(posts, ({ one }) => ({ author: one(authors, { fields: [posts.authorId], references: [authors.id] }) })),
};

type Database = MySql2Database<typeof schema>;

class Drizzle implements DataLayer {
  constructor(private readonly db: Database) {}

  async run(text: string): Promise<unknown> {
    return await this.db.execute(sql.raw(text));
  }

  async add({ name, posts: titles }: Author): Promise<void> {
    await this.db.transaction(async (tx) => {
      const [{ insertId: authorId }] = await tx.insert(authors).values({ name });
      if (titles.length > 0) await tx.insert(posts).values(titles.map((title) => ({ title, authorId })));
    });
  }

  async authors(): Promise<Author[]> {
    // MariaDB has no lateral joins, which Drizzle's relational queries are made of.
    const rows = await this.db
      .select({ name: authors.name, title: posts.title })
      .from(authors)
      .leftJoin(posts, sql`${posts.authorId} = ${authors.id}`)
      .orderBy(asc(authors.name), asc(posts.id));
    const found = new Map<string, string[]>();
    for (const { name, title } of rows) found.set(name, [...(found.get(name) ?? []), ...(title === null ? [] : [title])]);
    return [...found].map(([name, titles]) => ({ name, posts: titles }));
  }

  async transaction(work: (tx: Runner) => Promise<void>): Promise<void> {
    await this.db.transaction((tx) => work({ run: (text) => tx.execute(sql.raw(text)) }));
  }

  async *names(): AsyncIterable<string> {
    const iterator = this.db.select({ name: authors.name }).from(authors).orderBy(asc(authors.id)).prepare().iterator();
    for await (const { name } of iterator) yield name;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

describeDataLayer({
  name: 'Drizzle',
  packageName: 'drizzle-orm',
  endsPool: false,
  open: async (makePool) => new Drizzle(drizzle({ client: makePool(), schema, mode: 'default' })),
});

describeDataLayer({
  name: 'Drizzle, on the callback pool,',
  packageName: 'drizzle-orm',
  endsPool: false,
  open: async (makePool) => new Drizzle(drizzle({ client: makePool().pool, schema, mode: 'default' })),
});
