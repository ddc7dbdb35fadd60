import mysql2 from 'mysql2';
import { DataTypes, type Model, type ModelStatic, Sequelize } from 'sequelize';
import { type Author, type DataLayer, describeDataLayer, type Runner } from './support/data-layer.js';
import { connectSequelize, optionsFor } from './support/sequelize-connections.js';

class SequelizeLayer implements DataLayer {
  readonly #authors: ModelStatic<Model>;
  readonly #posts: ModelStatic<Model>;

  constructor(private readonly sequelize: Sequelize) {
    const options = { timestamps: false, underscored: true };
    this.#authors = sequelize.define('author', { name: { type: DataTypes.STRING(100), allowNull: false } }, options);
    this.#posts = sequelize.define('post', { title: { type: DataTypes.STRING(100), allowNull: false } }, options);
    this.#authors.hasMany(this.#posts);
    this.#posts.belongsTo(this.#authors);
  }

  async run(text: string): Promise<unknown> {
    return await this.sequelize.query(text);
  }

  async add({ name, posts }: Author): Promise<void> {
    await this.sequelize.transaction(async (transaction) => {
      await this.#authors.create({ name, posts: posts.map((title) => ({ title })) }, { include: [this.#posts], transaction });
    });
  }

  async authors(): Promise<Author[]> {
    const found = await this.#authors.findAll({
      include: [this.#posts],
      order: [
        ['name', 'ASC'],
        [this.#posts, 'id', 'ASC'],
      ],
    });
    return found.map((author) => {
      const { name, posts } = author.toJSON<{ name: string; posts: { title: string }[] }>();
      return { name, posts: posts.map(({ title }) => title) };
    });
  }

  async transaction(work: (tx: Runner) => Promise<void>): Promise<void> {
    await this.sequelize.transaction((transaction) => work({ run: (text) => this.sequelize.query(text, { transaction }) }));
  }

  names(): never {
    throw new Error('Sequelize has no iteration over rows.');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sequelize.close();
  }
}

describeDataLayer({
  name: 'Sequelize',
  packageName: 'sequelize',
  endsPool: false,
  iterates: false,
  async open(makePool) {
    const sequelize = new Sequelize({ dialect: 'mysql', dialectModule: mysql2, logging: false });
    const pool = makePool(optionsFor(sequelize));
    connectSequelize(sequelize, () => pool);
    return new SequelizeLayer(sequelize);
  },
});
