import knexModule, { type Knex } from 'knex';
import { type Author, type DataLayer, describeDataLayer, type Runner } from './support/data-layer.js';

const { knex } = knexModule;

class KnexLayer implements DataLayer {
  constructor(private readonly db: Knex) {}

  async run(text: string): Promise<unknown> {
    return await this.db.raw(text);
  }

  async add({ name, posts }: Author): Promise<void> {
    await this.db.transaction(async (tx) => {
      const [authorId] = await tx('authors').insert({ name });
      if (posts.length > 0) await tx('posts').insert(posts.map((title) => ({ title, author_id: authorId })));
    });
  }

  async authors(): Promise<Author[]> {
    const rows: { name: string; title: string | null }[] = await this.db('authors')
      .leftJoin('posts', 'posts.author_id', 'authors.id')
      .orderBy(['authors.name', 'posts.id'])
      .select('authors.name', 'posts.title');
    const names = [...new Set(rows.map(({ name }) => name))];
    return names.map((name) => ({ name, posts: rows.flatMap((row) => (row.name === name && row.title !== null ? [row.title] : [])) }));
  }

  async transaction(work: (tx: Runner) => Promise<void>): Promise<void> {
    await this.db.transaction((tx) => work({ run: async (text) => await tx.raw(text) }));
  }

  async *names(): AsyncIterable<string> {
    const stream = this.db('authors').orderBy('id').select('name').stream();
    for await (const row of stream as AsyncIterable<{ name: string }>) yield row.name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.db.destroy();
  }
}

describeDataLayer({
  name: 'Knex',
  packageName: 'knex',
  endsPool: false,
  open: async (makePool) => new KnexLayer(knex({ client: 'mysql2', connectionPool: makePool() } as Knex.Config)),
});
