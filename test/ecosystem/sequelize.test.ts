import mysql2 from 'mysql2';
import { DataTypes, type Model, type ModelStatic, Sequelize } from 'sequelize';
import type { Pool, PoolOptions } from '../../src/index.js';
import { type Author, type DataLayer, describeDataLayer, type Runner } from './support/data-layer.js';

/** What Sequelize has of its connections; its typings show it in part. */
interface ConnectionManager {
  readonly constructor: { _typecast(field: unknown, next: () => unknown): unknown };
  getConnection(): Promise<unknown>;
  releaseConnection(connection: BorrowedConnection): void;
  destroyConnection(connection: BorrowedConnection): Promise<void>;
}

interface BorrowedConnection {
  release(): void;
  destroy(): void;
}

/** Sequelize has a pool of its own, and no option for another: what it asks its connection manager, our pool answers. */
function lendTo(sequelize: Sequelize, makePool: (options: PoolOptions) => Pool): void {
  const manager = sequelize.connectionManager as unknown as ConnectionManager;
  const pool = makePool({
    // What Sequelize gives to mysql2 when it connects itself.
    flags: ['-FOUND_ROWS'],
    supportBigNumbers: true,
    timezone: '+00:00',
    typeCast: manager.constructor._typecast.bind(manager),
    onConnect: async (connection) => void (await connection.query("SET time_zone = '+00:00'")),
  });
  manager.getConnection = async () => (await pool.getConnection()).connection;
  manager.releaseConnection = (connection) => connection.release();
  manager.destroyConnection = async (connection) => connection.destroy();
}

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
    lendTo(sequelize, makePool);
    return new SequelizeLayer(sequelize);
  },
});
