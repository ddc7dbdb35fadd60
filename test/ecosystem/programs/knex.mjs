/** Uses Knex as applications do, and prints what happened by scenario: the same with the register hook and without, but for what names the pool. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import mysql2 from 'mysql2';

const { TEST_CONNECTION, TEST_REFUSING_PORT, TEST_LAYER } = process.env;
const knexModule = await import(TEST_LAYER);
const knex = knexModule.default;
const { KnexTimeoutError } = knex;
const Client = createRequire(import.meta.url)(`${TEST_LAYER}/lib/dialects/mysql2/index.js`);
const connection = JSON.parse(TEST_CONNECTION);
const refusing = { ...connection, port: Number(TEST_REFUSING_PORT) };
const log = { warn() {}, error() {}, deprecate() {}, debug() {} };
const open = (pool, more = {}) => knex({ client: 'mysql2', connection: { ...connection }, log, pool: { min: 0, ...pool }, ...more });
const valueOf = async (db, sql) => Object.values((await db.raw(sql))[0][0])[0];
const failure = (promise) =>
  promise.then(
    () => 'none',
    (error) => ({ name: error.name, code: error.code, message: error.message, isTimeout: error instanceof KnexTimeoutError }),
  );
const numbers = ({ client: { pool } }) => [pool.numUsed(), pool.numFree(), pool.numPendingAcquires(), pool.numPendingCreates()];

const SCENARIOS = {
  async numbers() {
    const db = open({ max: 2 });
    const seen = { before: numbers(db) };
    await db.transaction(async (tx) => {
      await tx.raw('SELECT 1');
      seen.lent = numbers(db);
    });
    seen.idle = numbers(db);
    const held = [await db.client.acquireConnection(), await db.client.acquireConnection()];
    const waiting = db.raw('SELECT 1');
    await new Promise(setImmediate);
    seen.waiting = numbers(db);
    seen.lists = ['used', 'free', 'pendingAcquires'].map((name) => db.client.pool[name].length);
    for (const one of held) await db.client.releaseConnection(one);
    await waiting;
    seen.secondRelease = db.client.pool.release(held[0]);
    await db.destroy();
    seen.destroyed = db.client.pool;
    return seen;
  },

  async events() {
    const db = open({ max: 1 });
    const seen = [];
    const { pool } = db.client;
    const names = ['acquireRequest', 'acquireSuccess', 'acquireFail', 'createRequest', 'createSuccess', 'createFail', 'release'];
    names.push(
      'destroyRequest',
      'destroySuccess',
      'destroyFail',
      'startReaping',
      'stopReaping',
      'poolDestroyRequest',
      'poolDestroySuccess',
    );
    for (const name of names)
      pool.on(name, (...details) => seen.push([name, ...details.map((detail) => (detail?.__knexUid ? 'connection' : typeof detail))]));
    await db.raw('SELECT 1');
    await db.destroy();
    return seen;
  },

  async exhausted() {
    const db = open({ max: 1 }, { acquireConnectionTimeout: 700 });
    const error = await db.transaction((tx) => tx.raw('SELECT 1').then(() => failure(db.raw('SELECT 2'))));
    const after = await valueOf(db, 'SELECT 3');
    await db.destroy();
    return { error, after };
  },

  async refused() {
    const db = open({ min: 2, max: 4 }, { connection: refusing });
    // Nothing is opened ahead.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const ahead = numbers(db);
    const first = await failure(db.raw('SELECT 1'));
    await db.destroy();
    const patient = open({ max: 1, propagateCreateError: false, acquireTimeoutMillis: 150 }, { connection: refusing });
    const second = await failure(patient.raw('SELECT 1'));
    await patient.destroy();
    return { ahead, first: first.code, second };
  },

  async denied() {
    const db = open({ max: 1 }, { connection: { ...connection, password: 'wrong' } });
    const codes = [(await failure(db.raw('SELECT 1'))).code, (await failure(db.raw('SELECT 1'))).code];
    await db.destroy();
    return codes;
  },

  async afterCreate() {
    const seen = [];
    const db = open({
      max: 1,
      afterCreate(one, done) {
        seen.push(typeof one.__knexUid, typeof one.query);
        one.query('SET SESSION lock_wait_timeout = 77', (error) => done(error, one));
      },
    });
    const value = await valueOf(db, 'SELECT @@SESSION.lock_wait_timeout');
    await db.destroy();
    const failing = open({ max: 1, afterCreate: (one, done) => done(new Error('not like this'), one) });
    const error = await failure(failing.raw('SELECT 1'));
    await failing.destroy();
    return { seen, value, error };
  },

  async validate() {
    let refuse;
    const db = open({ max: 1, validate: (one) => one.threadId !== refuse });
    refuse = await valueOf(db, 'SELECT CONNECTION_ID()');
    const second = await valueOf(db, 'SELECT CONNECTION_ID()');
    const third = await valueOf(db, 'SELECT CONNECTION_ID()');
    await db.destroy();
    return { replaced: second !== refuse, kept: third === second };
  },

  async transactions() {
    const db = open({ max: 2 });
    await db.raw('CREATE TABLE IF NOT EXISTS knex_notes (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(20)) ENGINE=InnoDB');
    await db('knex_notes').del();
    await db.transaction(async (tx) => {
      await tx('knex_notes').insert({ note: 'kept' });
      await tx
        .transaction(async (inner) => {
          await inner('knex_notes').insert({ note: 'lost' });
          throw new Error('inner');
        })
        .catch(() => undefined);
    });
    await failure(
      db.transaction(async (tx) => {
        await tx('knex_notes').insert({ note: 'lost too' });
        throw new Error('outer');
      }),
    );
    const notes = await db('knex_notes').pluck('note');
    const free = numbers(db)[0];
    await db.schema.dropTable('knex_notes');
    await db.destroy();
    return { notes, free };
  },

  async streams() {
    const db = open({ max: 1 });
    let rows = 0;
    for await (const _ of db.raw('SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3').stream()) rows += 1;
    for await (const _ of db.raw('SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3').stream()) break;
    const after = await valueOf(db, 'SELECT 4');
    await db.destroy();
    return { rows, after };
  },

  async cancellation() {
    const db = open({ max: 1 });
    const error = await failure(db.raw('SELECT SLEEP(20)').timeout(50, { cancel: true }));
    const after = await valueOf(db, 'SELECT 5');
    const uncancelled = await failure(db.raw('SELECT SLEEP(20)').timeout(50));
    const afterThat = await valueOf(db, 'SELECT 6');
    await db.destroy();
    return { error, after, uncancelled, afterThat };
  },

  async killed() {
    const db = open({ max: 3 });
    await Promise.all(Array.from({ length: 3 }, () => db.raw('SELECT SLEEP(0.02)')));
    const killer = mysql2.createConnection(connection);
    const ids = db.client.pool.free.map(({ resource }) => resource.threadId);
    for (const id of ids) await new Promise((resolve) => killer.query(`KILL ${id}`, resolve));
    const idle = await Promise.all(Array.from({ length: 6 }, () => failure(db.raw('SELECT 1'))));
    const broken = await failure(
      db.transaction(async (tx) => {
        const id = await valueOf(tx, 'SELECT CONNECTION_ID()');
        await new Promise((resolve) => killer.query(`KILL ${id}`, resolve));
        await tx.raw('SELECT 1');
      }),
    );
    const after = await valueOf(db, 'SELECT 7');
    await new Promise((resolve) => killer.end(resolve));
    await db.destroy();
    return { killed: ids.length, idle, isBroken: broken !== 'none', after };
  },

  async providers() {
    let asked = 0;
    let isExpired = false;
    const provider = async () => {
      asked += 1;
      isExpired = false;
      return { ...connection, expirationChecker: () => isExpired };
    };
    const db = open({ max: 1 }, { connection: provider });
    const first = await valueOf(db, 'SELECT CONNECTION_ID()');
    const second = await valueOf(db, 'SELECT CONNECTION_ID()');
    await db.destroy();
    return { asked, kept: first === second };
  },

  async subclasses() {
    const opened = [];
    class OwnClient extends Client {
      async acquireRawConnection() {
        const one = await super.acquireRawConnection();
        opened.push(one.threadId);
        return one;
      }
    }
    const db = open({ max: 1 }, { client: OwnClient });
    const id = await valueOf(db, 'SELECT CONNECTION_ID()');
    await db.destroy();
    return { isItsOwn: opened.includes(id), opened: opened.length };
  },

  async context() {
    const requests = new AsyncLocalStorage();
    const seen = [];
    const db = open({
      max: 1,
      validate: () => {
        seen.push(requests.getStore());
        return true;
      },
    });
    await db.raw('SELECT 1');
    seen.length = 0;
    const held = await db.client.acquireConnection();
    const asked = requests.run('second', async () => {
      await db.raw('SELECT 1');
      seen.push(requests.getStore());
      const stream = db.raw('SELECT 1').stream();
      await new Promise((resolve) => stream.on('data', () => seen.push(requests.getStore())).on('end', resolve));
      seen.push(requests.getStore());
    });
    await requests.run('first', async () => db.client.releaseConnection(held));
    await asked;
    await db.destroy();
    return seen;
  },

  async direct() {
    const db = open({ max: 1 }, { acquireConnectionTimeout: 700 });
    const { pool } = db.client;
    const one = await pool.acquire().promise;
    const waiting = pool.acquire();
    const late = await waiting.promise.then(
      () => 'none',
      (error) => [error.constructor.name, error.message],
    );
    const aborted = pool.acquire();
    aborted.abort();
    const given = await aborted.promise.then(
      () => 'none',
      (error) => error.message,
    );
    const answer = await new Promise((resolve) => one.query({ sql: 'SELECT ? AS n', values: [8] }, (_error, rows) => resolve(rows[0].n)));
    const executed = await new Promise((resolve) => one.execute('SELECT ? AS n', [9], (_error, rows) => resolve(rows[0].n)));
    const released = pool.release(one);
    await db.destroy();
    return { late, isRejected: waiting.isRejected, given, answer, executed, released };
  },

  async again() {
    const db = open({ max: 1 });
    await db.raw('SELECT 1');
    await db.destroy();
    const error = await failure(db.raw('SELECT 1'));
    await db.initialize();
    const value = await valueOf(db, 'SELECT 10');
    await db.destroy();
    return { error, value };
  },

  async idle() {
    const db = open({ min: 1, max: 3, idleTimeoutMillis: 100, reapIntervalMillis: 50 });
    await Promise.all(Array.from({ length: 3 }, () => db.raw('SELECT SLEEP(0.05)')));
    while (db.client.pool.numFree() > 1) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const left = db.client.pool.numFree();
    await db.destroy();
    return left;
  },

  /** A connection that no mysql2 of Node's loader made: the pool stays Knex's. */
  async strange() {
    const made = [];
    class StrangeClient extends Client {
      async acquireRawConnection() {
        const { Connection, ConnectionConfig } = mysql2;
        const one = new Connection({ config: new ConnectionConfig(connection) });
        await new Promise((resolve, reject) => one.connect((error) => (error ? reject(error) : resolve())));
        made.push(one);
        return one;
      }
    }
    const db = open({ max: 2 }, { client: StrangeClient });
    const values = await Promise.all([valueOf(db, 'SELECT 11'), valueOf(db, 'SELECT 12'), valueOf(db, 'SELECT 13')]);
    const lent = await db.transaction(async () => numbers(db)[0]);
    await db.destroy();
    return { values, lent, areClosed: made.every((one) => one._closing === true) };
  },
};

const results = {};
for (const [name, run] of Object.entries(SCENARIOS)) results[name] = await run().catch((error) => `threw ${error.stack}`);

const db = open({ max: 3, acquireTimeoutMillis: 4_000, idleTimeoutMillis: 5_000 });
await db.raw('SELECT 1');
const { pools } = await import('poolwright');
const managed = [...pools().values()].map(({ options }) => options);
const waiting = open({ max: 1 });
const held = await waiting.client.acquireConnection();
await new Promise((resolve) => held.query('BEGIN', resolve));
await waiting.client.releaseConnection(held);
const openTransaction = await valueOf(
  waiting,
  'SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = CONNECTION_ID()',
).catch(() => 'not known');
await waiting.destroy();
await db.destroy();
console.log(JSON.stringify({ results, managed, openTransaction, left: [...pools().keys()] }));
// Without the hook, Knex leaves a connection open whose afterCreate has failed.
process.exit();
