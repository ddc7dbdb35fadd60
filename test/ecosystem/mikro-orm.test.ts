import { defineEntity, MikroORM, p } from '@mikro-orm/mysql';
import { MysqlDialect } from 'kysely';
import { type Author, type DataLayer, describeDataLayer, type Runner } from './support/data-layer.js';

const authorEntity = defineEntity({
  name: 'Author',
  tableName: 'authors',
  properties: {
    id: p.integer().primary().autoincrement(),
    name: p.string().length(100).unique(),
    posts: () => p.oneToMany(postEntity).mappedBy('author').orderBy({ id: 'asc' }),
  },
});
const postEntity = defineEntity({
  name: 'Post',
  tableName: 'posts',
  properties: {
    id: p.integer().primary().autoincrement(),
    title: p.string().length(100),
    author: () => p.manyToOne(authorEntity),
  },
});

class Mikro implements DataLayer {
  constructor(private readonly orm: MikroORM) {}

  async run(text: string): Promise<unknown> {
    return await this.orm.em.fork().getConnection().execute(text);
  }

  async add({ name, posts }: Author): Promise<void> {
    const em = this.orm.em.fork();
    const author = em.create(authorEntity, { name });
    for (const title of posts) em.create(postEntity, { title, author });
    await em.flush();
  }

  async authors(): Promise<Author[]> {
    const found = await this.orm.em.fork().find(authorEntity, {}, { populate: ['posts'], orderBy: { name: 'asc' } });
    return found.map(({ name, posts }) => ({ name, posts: posts.getItems().map(({ title }) => title) }));
  }

  async transaction(work: (tx: Runner) => Promise<void>): Promise<void> {
    await this.orm.em
      .fork()
      .transactional((em) => work({ run: (text) => em.getConnection().execute(text, [], 'all', em.getTransactionContext()) }));
  }

  async *names(): AsyncIterable<string> {
    for await (const { name } of this.orm.em.fork().stream(authorEntity, { orderBy: { id: 'asc' } })) yield name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.orm.close();
  }
}

describeDataLayer({
  name: 'MikroORM',
  packageName: '@mikro-orm/core',
  endsPool: true,
  async open(makePool, { database }) {
    const orm = await MikroORM.init({
      entities: [authorEntity, postEntity],
      dbName: database,
      driverOptions: new MysqlDialect({ pool: makePool({ supportBigNumbers: true, dateStrings: true }).pool }),
    });
    return new Mikro(orm);
  },
});
