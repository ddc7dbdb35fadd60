/** Uses Sequelize as applications do, and prints what happened by scenario: the same with the register hook and without, but for what names the pool. */
import mysql2 from 'mysql2';

const { TEST_CONNECTION, TEST_REFUSING_PORT, TEST_LAYER } = process.env;
const isSeven = TEST_LAYER === '@sequelize/core';
const { Sequelize, QueryTypes, ConnectionAcquireTimeoutError } = (await import(TEST_LAYER)).default ?? {};
const dialect = isSeven ? (await import('@sequelize/mysql')).MySqlDialect : 'mysql';
const { user, ...place } = JSON.parse(TEST_CONNECTION);
const login = isSeven ? { user } : { username: user };
const open = (more = {}) => new Sequelize({ dialect, ...place, ...login, logging: false, ...more });
const poolOf = (sequelize) => (isSeven ? sequelize.pool : sequelize.connectionManager.pool);
const numbers = (sequelize) => ['size', 'available', 'using', 'waiting'].map((name) => poolOf(sequelize)[name]);
const listen = (sequelize, event, listener) =>
  isSeven ? sequelize.hooks.addListener(event, listener) : sequelize.addHook(event, listener);
const select = async (sequelize, sql, more = {}) => Object.values((await sequelize.query(sql, { type: QueryTypes.SELECT, ...more }))[0])[0];
const failure = (promise) =>
  promise.then(
    () => 'none',
    (error) => ({ name: error.name, message: error.message, isTimeout: error instanceof ConnectionAcquireTimeoutError }),
  );

const SCENARIOS = {
  async numbers() {
    const sequelize = open({ pool: { max: 2 } });
    const seen = { before: numbers(sequelize) };
    await sequelize.authenticate();
    await sequelize.transaction(async (transaction) => {
      await sequelize.query('SELECT 1', { transaction });
      seen.lent = numbers(sequelize);
    });
    seen.idle = numbers(sequelize);
    await sequelize.close();
    seen.closed = numbers(sequelize);
    seen.after = await failure(sequelize.query('SELECT 1'));
    return seen;
  },

  async hooks() {
    const sequelize = open({ pool: { max: 1 } });
    const seen = [];
    const events = ['beforeConnect', 'afterConnect', 'beforeDisconnect', 'afterDisconnect'];
    // Since 6.30.
    if (TEST_LAYER !== 'sequelize-6-20') events.push('beforePoolAcquire', 'afterPoolAcquire');
    for (const event of events) listen(sequelize, event, () => void seen.push(event));
    await sequelize.query('SELECT 1');
    await sequelize.close();
    return seen;
  },

  async exhausted() {
    const sequelize = open({ pool: { max: 1, acquire: 700 } });
    const error = await sequelize.transaction((transaction) =>
      sequelize.query('SELECT 1', { transaction }).then(() => failure(sequelize.query('SELECT 2'))),
    );
    const after = await select(sequelize, 'SELECT 3');
    await sequelize.close();
    return { error, after };
  },

  async refused() {
    const away = open({ port: Number(TEST_REFUSING_PORT), pool: { min: 2, max: 2 } });
    const ahead = numbers(away);
    const refused = await failure(away.query('SELECT 1'));
    const denied = open({ password: 'wrong' });
    const wrong = [await failure(denied.query('SELECT 1')), await failure(denied.query('SELECT 1'))].map(({ name }) => name);
    await away.close();
    await denied.close();
    return { ahead, refused, wrong };
  },

  async maxUses() {
    const sequelize = open({ pool: { max: 1, maxUses: 2 } });
    const ids = [];
    for (let round = 0; round < 4; round += 1) ids.push(await select(sequelize, 'SELECT CONNECTION_ID()'));
    await sequelize.close();
    return [ids[0] === ids[1], ids[1] === ids[2], ids[2] === ids[3]];
  },

  async validate() {
    let refuse;
    const sequelize = open({ pool: { max: 1, validate: ({ threadId }) => threadId !== refuse } });
    refuse = await select(sequelize, 'SELECT CONNECTION_ID()');
    const second = await select(sequelize, 'SELECT CONNECTION_ID()');
    const third = await select(sequelize, 'SELECT CONNECTION_ID()');
    await sequelize.close();
    return { replaced: second !== refuse, kept: second === third };
  },

  async transactions() {
    const sequelize = open({ pool: { max: 2 } });
    await sequelize.query('CREATE TABLE IF NOT EXISTS sequelize_notes (note VARCHAR(20)) ENGINE=InnoDB');
    await sequelize.query('DELETE FROM sequelize_notes');
    const insert = (note, transaction) => sequelize.query(`INSERT INTO sequelize_notes VALUES ('${note}')`, { transaction });
    await sequelize.transaction((transaction) => insert('kept', transaction));
    await failure(sequelize.transaction((transaction) => insert('lost', transaction).then(() => Promise.reject(new Error('no')))));
    const [notes] = await sequelize.query('SELECT note FROM sequelize_notes');
    const zone = await select(sequelize, 'SELECT @@SESSION.time_zone');
    await sequelize.query('DROP TABLE sequelize_notes');
    await sequelize.close();
    return { notes, zone };
  },

  async replication() {
    const node = { ...place, ...(isSeven ? login : { username: user }) };
    const sequelize = new Sequelize({ dialect, logging: false, pool: { max: 1 }, replication: { read: [node, node], write: node } });
    const read = await select(sequelize, 'SELECT CONNECTION_ID()');
    const [, written] = [await sequelize.query('DO 1'), await select(sequelize, 'SELECT CONNECTION_ID()', { useMaster: true })];
    const seen = { areApart: read !== written, read: poolOf(sequelize).read.available, write: poolOf(sequelize).write.available };
    await sequelize.close();
    return seen;
  },

  async killed() {
    const sequelize = open({ pool: { max: 3 } });
    const ids = await Promise.all(
      Array.from({ length: 3 }, () => select(sequelize, 'SELECT CONNECTION_ID() FROM (SELECT SLEEP(0.1)) AS slept')),
    );
    const killer = mysql2.createConnection({ ...place, user });
    for (const id of new Set(ids)) await new Promise((resolve) => killer.query(`KILL ${id}`, resolve));
    const idle = await Promise.all(Array.from({ length: 6 }, () => failure(sequelize.query('SELECT 1'))));
    await new Promise((resolve) => killer.end(resolve));
    await sequelize.close();
    return idle;
  },
};

const results = {};
for (const [name, run] of Object.entries(SCENARIOS)) results[name] = await run().catch((error) => `threw ${error.stack}`);

const sequelize = open({ pool: { max: 3, acquire: 4_000, idle: 5_000 } });
await sequelize.query('SELECT 1');
const { pools } = await import('poolwright');
const managed = [...pools().values()].map(({ options }) => options);
await sequelize.close();
console.log(JSON.stringify({ results, managed, left: [...pools().keys()] }));
process.exit();
