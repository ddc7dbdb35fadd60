/** Data layers on a cluster: writes and transactions on `db`, reads on `db.reader`. */
import { defineEntity, MikroORM, p } from '@mikro-orm/mysql';
import { sql as drizzleSql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/mysql2';
import { int, mysqlTable, withReplicas } from 'drizzle-orm/mysql-core';
import knex from 'knex';
import { type Generated, Kysely, MysqlDialect, sql } from 'kysely';
import mysql2 from 'mysql2';
import { DataTypes, Sequelize } from 'sequelize';
import { DataSource, EntitySchema } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '../../src/cluster/index.js';
import { openCluster } from '../support/replication/cluster-on-replication.js';
import { type Replication, startReplication } from '../support/replication/replication.js';
import { chosenKind } from '../support/sql-servers/kinds.js';
import { connectSequelize, optionsFor } from './support/sequelize-connections.js';

let servers: Replication;
let db: Cluster;
beforeAll(async () => {
  servers = await startReplication({ kind: chosenKind(), replicas: 1, proxied: false });
  db = await openCluster(servers, { reads: { consistency: 'session', waitTimeout: 30_000 } });
  await db.query('CREATE TABLE notes (id INT PRIMARY KEY AUTO_INCREMENT, value INT) ENGINE=InnoDB');
});
afterAll(async () => {
  await db.end();
  await servers[Symbol.asyncDispose]();
});

/** How many reads replicas have served. */
function servedByReplicas(): number {
  return db.readStats().reads['reader:fit'] ?? 0;
}

describe('a cluster under a data layer', () => {
  it('Drizzle: withReplicas', async () => {
    const notes = mysqlTable('notes', { id: int().primaryKey().autoincrement(), value: int() });
    const orm = withReplicas(drizzle({ client: db }), [drizzle({ client: db.reader }) as never]);
    const before = servedByReplicas();
    await orm.insert(notes).values({ value: 11 });
    const rows = await orm.select().from(notes).where(drizzleSql`value = 11`);
    expect(rows).toHaveLength(1);
    expect(servedByReplicas()).toBe(before + 1);
    await orm.transaction(async (tx) => {
      await tx.insert(notes).values({ value: 12 });
      expect(await tx.select().from(notes).where(drizzleSql`value = 12`)).toHaveLength(1);
    });
    expect(servedByReplicas()).toBe(before + 1);
    expect(await orm.$primary.select().from(notes).where(drizzleSql`value = 12`)).toHaveLength(1);
    expect(servedByReplicas()).toBe(before + 1);
  });

  it('Kysely: one instance for each', async () => {
    interface Tables {
      notes: { id: Generated<number>; value: number };
    }
    const writing = new Kysely<Tables>({ dialect: new MysqlDialect({ pool: db.pool }) });
    const reading = new Kysely<Tables>({ dialect: new MysqlDialect({ pool: db.reader.pool }) });
    const before = servedByReplicas();
    await writing.insertInto('notes').values({ value: 21 }).execute();
    expect(await reading.selectFrom('notes').selectAll().where('value', '=', 21).execute()).toHaveLength(1);
    expect(servedByReplicas()).toBe(before + 1);
    await writing.transaction().execute(async (tx) => {
      await tx.insertInto('notes').values({ value: 22 }).execute();
      expect((await sql`SELECT id FROM notes WHERE value = 22`.execute(tx)).rows).toHaveLength(1);
    });
    expect(servedByReplicas()).toBe(before + 1);
  });

  it('TypeORM: replication, by way of createPoolCluster', async () => {
    interface Note {
      id: number;
      value: number;
    }
    const entity = new EntitySchema<Note>({
      name: 'note',
      tableName: 'notes',
      columns: { id: { type: 'int', primary: true, generated: true }, value: { type: 'int' } },
    });
    type Callback = (error: Error | null, connection: unknown) => void;
    const createPoolCluster = () => ({
      add: () => undefined,
      on: () => undefined,
      getConnection: (pattern: string, callback: Callback) => (pattern === 'MASTER' ? db : db.reader).pool.getConnection(callback as never),
      end: (callback: () => void) => callback(),
    });
    const source = new DataSource({
      type: 'mysql',
      driver: { ...mysql2, createPoolCluster },
      database: servers.database,
      entities: [entity],
      replication: { master: {}, slaves: [{}] },
    });
    await source.initialize();
    const notes = source.getRepository(entity);
    await notes.save({ value: 31 });
    const before = servedByReplicas();
    expect(await notes.find({ where: { value: 31 } })).toHaveLength(1);
    expect(servedByReplicas()).toBe(before + 1);
    await source.transaction(async (manager) => {
      await manager.save(entity, { value: 32 });
      expect(await manager.find(entity, { where: { value: 32 } })).toHaveLength(1);
    });
    expect(servedByReplicas()).toBe(before + 1);
    await source.destroy();
  });

  it('Knex: one instance for each', async () => {
    const writing = knex({ client: 'mysql2', connectionPool: db as never });
    const reading = knex({ client: 'mysql2', connectionPool: db.reader as never });
    const before = servedByReplicas();
    await writing('notes').insert({ value: 41 });
    expect(await reading('notes').where({ value: 41 })).toHaveLength(1);
    expect(servedByReplicas()).toBe(before + 1);
  });

  it('MikroORM: replicas, each with its dialect', async () => {
    const note = defineEntity({
      name: 'MikroNote',
      tableName: 'notes',
      properties: { id: p.integer().primary().autoincrement(), value: p.integer() },
    });
    await using own = await openCluster(servers, { reads: { waitTimeout: 30_000 }, supportBigNumbers: true, dateStrings: true });
    const orm = await MikroORM.init({
      entities: [note],
      dbName: servers.database,
      driverOptions: new MysqlDialect({ pool: own.pool }),
      replicas: [{ driverOptions: () => new MysqlDialect({ pool: own.reader.pool }) }],
    });
    const served = (): number => own.readStats().reads['reader:fit'] ?? 0;
    const em = orm.em.fork();
    em.create(note, { value: 51 });
    await em.flush();
    expect(await orm.em.fork().find(note, { value: 51 })).toHaveLength(1);
    expect(served()).toBe(1);
    expect(await orm.em.fork().find(note, { value: 51 }, { connectionType: 'write' })).toHaveLength(1);
    await orm.em.fork().transactional(async (tx) => {
      tx.create(note, { value: 52 });
      await tx.flush();
      expect(await tx.find(note, { value: 52 })).toHaveLength(1);
    });
    expect(served()).toBe(1);
    expect(own.borrowed()).toEqual([]);
    await orm.close();
  });

  it('Sequelize: connections by the type of the statement', async () => {
    const sequelize = new Sequelize({ dialect: 'mysql', dialectModule: mysql2, logging: false });
    await using own = await openCluster(servers, { reads: { waitTimeout: 30_000 }, ...optionsFor(sequelize) });
    connectSequelize(sequelize, (options) => (options?.type === 'SELECT' && options.useMaster !== true ? own.reader : own));
    const note = sequelize.define('note', { value: { type: DataTypes.INTEGER } }, { timestamps: false, tableName: 'notes' });
    const served = (): number => own.readStats().reads['reader:fit'] ?? 0;
    await note.create({ value: 61 });
    expect(await note.findAll({ where: { value: 61 } })).toHaveLength(1);
    expect(served()).toBe(1);
    expect(await note.findAll({ where: { value: 61 }, useMaster: true })).toHaveLength(1);
    await sequelize.transaction(async (transaction) => {
      await note.create({ value: 62 }, { transaction });
      expect(await note.findAll({ where: { value: 62 }, transaction })).toHaveLength(1);
    });
    expect(served()).toBe(1);
    expect(own.borrowed()).toEqual([]);
    await sequelize.close();
  });

  it('leaves nothing lent behind', () => {
    expect(db.borrowed()).toEqual([]);
    expect(db.reader.borrowed()).toEqual([]);
  });
});
