import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProject, type Project } from '../mirrors/support/project.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';

/** Programs that know nothing of Poolwright: each makes its data layer as its documentation says, and prints what it has read. */
const PROGRAMS = {
  drizzle: `
    import { sql } from 'drizzle-orm';
    import { drizzle } from 'drizzle-orm/mysql2';
    const db = drizzle(process.env.TEST_URL);
    const [[{ n }]] = await db.execute(sql\`SELECT 1 AS n\`);
    await finish(n, () => db.$client.end());`,
  kysely: `
    import { Kysely, MysqlDialect, sql } from 'kysely';
    import { createPool } from 'mysql2';
    const db = new Kysely({ dialect: new MysqlDialect({ pool: createPool(process.env.TEST_URL) }) });
    const { rows } = await sql\`SELECT 1 AS n\`.execute(db);
    await finish(rows[0].n, () => db.destroy());`,
  typeorm: `
    import { DataSource } from 'typeorm';
    const source = await new DataSource({ type: 'mysql', url: process.env.TEST_URL, entities: [] }).initialize();
    const [{ n }] = await source.query('SELECT 1 AS n');
    await finish(Number(n), () => source.destroy());`,
  mikroOrm: `
    import { MikroORM, defineEntity, p } from '@mikro-orm/mysql';
    const entity = defineEntity({ name: 'Entity', properties: { id: p.integer().primary() } });
    const orm = await MikroORM.init({ entities: [entity], clientUrl: process.env.TEST_URL });
    const [{ n }] = await orm.em.getConnection().execute('SELECT 1 AS n');
    await finish(Number(n), () => orm.close());`,
  knex: `
    import knex from 'knex';
    const db = knex({ client: 'mysql2', connection: process.env.TEST_URL });
    const [[{ n }]] = await db.raw('SELECT 1 AS n');
    await finish(n, () => db.destroy());`,
  sequelize: `
    import { Sequelize } from 'sequelize';
    const sequelize = new Sequelize(process.env.TEST_URL, { logging: false });
    const [[{ n }]] = await sequelize.query('SELECT 1 AS n');
    await finish(n, () => sequelize.close());`,
};

/** Distinguished by what the hook leaves behind: the process's registry of pools. */
const FINISH = `
  async function finish(n, end) {
    const { pools } = await import('poolwright');
    const acquired = [...pools().values()].reduce((sum, pool) => sum + pool.stats().acquired, 0);
    console.log(JSON.stringify({ n, managed: acquired > 0 }));
    await end();
  }`;

let project: Project;
let database: TestDatabase;

beforeAll(async () => {
  project = await createProject();
  database = await createDatabase();
  for (const name of ['drizzle-orm', 'kysely', 'knex', 'typeorm', 'sequelize', '@mikro-orm/mysql']) await project.install(name);
  for (const [name, program] of Object.entries(PROGRAMS)) await project.write(`${name}.mjs`, `${program}\n${FINISH}`);
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await project[Symbol.asyncDispose]();
});

async function printed(program: string, flags: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const { code, stdout, stderr } = await project.run(`${program}.mjs`, {
    flags,
    environment: { TEST_URL: database.url(), POOLWRIGHT_QUIET: '1', ...more },
  });
  if (code !== 0) throw new Error(`It ended with ${code}: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

describe('node --import poolwright/register, with no change to the program', () => {
  it.each(Object.keys(PROGRAMS))('%s has a managed pool', async (program) => {
    expect(await printed(program, [])).toEqual({ n: 1, managed: false });
    expect(await printed(program, ['--import', 'poolwright/register'])).toEqual({ n: 1, managed: true });
  });

  it.each(['knex', 'sequelize'])('POOLWRIGHT_LEAVE leaves the pools of %s as they are', async (program) => {
    expect(await printed(program, ['--import', 'poolwright/register'], { POOLWRIGHT_LEAVE: 'knex, sequelize' })).toEqual({
      n: 1,
      managed: false,
    });
  });
});
