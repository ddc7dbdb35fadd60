import mysql2 from 'mysql2';
import { DataSource, EntitySchema } from 'typeorm';
import { type Author, type DataLayer, describeDataLayer, type Runner } from './support/data-layer.js';

interface AuthorRow {
  id: number;
  name: string;
  posts: PostRow[];
}

interface PostRow {
  id: number;
  title: string;
  author: AuthorRow;
}

const authorEntity = new EntitySchema<AuthorRow>({
  name: 'author',
  tableName: 'authors',
  columns: { id: { type: 'int', primary: true, generated: true }, name: { type: 'varchar', length: 100, unique: true } },
  relations: { posts: { type: 'one-to-many', target: 'post', inverseSide: 'author', cascade: true } },
});
const postEntity = new EntitySchema<PostRow>({
  name: 'post',
  tableName: 'posts',
  columns: { id: { type: 'int', primary: true, generated: true }, title: { type: 'varchar', length: 100 } },
  relations: { author: { type: 'many-to-one', target: 'author', joinColumn: { name: 'author_id' } } },
});

class TypeOrm implements DataLayer {
  constructor(private readonly source: DataSource) {}

  async run(text: string): Promise<unknown> {
    return await this.source.query(text);
  }

  async add({ name, posts }: Author): Promise<void> {
    await this.source.manager.save(authorEntity, { name, posts: posts.map((title) => ({ title }) as PostRow) });
  }

  async authors(): Promise<Author[]> {
    const found = await this.source
      .getRepository(authorEntity)
      .find({ relations: { posts: true }, order: { name: 'ASC', posts: { id: 'ASC' } } });
    return found.map(({ name, posts }) => ({ name, posts: posts.map(({ title }) => title) }));
  }

  async transaction(work: (tx: Runner) => Promise<void>): Promise<void> {
    await this.source.transaction((manager) => work({ run: (text) => manager.query(text) }));
  }

  async *names(): AsyncIterable<string> {
    const runner = this.source.createQueryRunner();
    try {
      const stream = await runner.stream('SELECT name FROM authors ORDER BY id');
      for await (const row of stream as AsyncIterable<{ name: string }>) yield row.name;
    } finally {
      await runner.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.destroy();
  }
}

describeDataLayer({
  name: 'TypeORM',
  packageName: 'typeorm',
  endsPool: true,
  async open(makePool, { connection: { user, ...where } }) {
    const source = new DataSource({
      type: 'mysql',
      driver: { ...mysql2, createPool: () => makePool().pool },
      ...where,
      username: user,
      entities: [authorEntity, postEntity],
    });
    return new TypeOrm(await source.initialize());
  },
});
