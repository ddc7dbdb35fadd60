/** What is no statement, at each door of a pool: it is refused on the caller's own promise or callback, and costs nothing else. */
import mysql2 from 'mysql2';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool as createDropIn } from '../../../src/mirror/promise.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { freePort } from '../../support/network/free-port.js';
import { startTcpProxy, type TcpProxy } from '../../support/network/tcp-proxy.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';
import { borrowByCallback, imbalanceOf, poolOf } from '../../support/pool-on-database.js';
import { captureUncaught } from '../support/uncaught.js';

type Method = 'query' | 'execute';

/** Not in mysql2's typings. */
const mysql = mysql2 as unknown as { createQuery(sql: unknown, values: unknown, done: unknown, config?: object): unknown };

/** How an answer came: at once means before any timer or socket. */
interface Refusal {
  readonly error: { readonly code?: string; readonly message: string };
}

/** What a caller may pass by mistake. Made again for each call, and without any but the named fault. */
const BAD: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  'a number': () => 5,
  'a bigint': () => 5n,
  'a boolean': () => true,
  'a symbol': () => Symbol('sql'),
  'a function': () => () => 'SELECT 1',
  'an empty object': () => ({}),
  'a frozen object without a text': () => Object.freeze({ timeout: 5 }),
  'an object without a prototype': () => Object.create(null) as object,
  'an array': () => ['SELECT 1'],
  'a text as an object': () => new String('SELECT 1'),
  'a buffer': () => Buffer.from('SELECT 1'),
  'an object of another realm': () => runInNewContext('({ sql: 5 })') as object,
  'a number for the text': () => ({ sql: 5 }),
  'null for the text': () => ({ sql: null }),
  'an object for the text': () => ({ sql: { sql: 'SELECT 1' } }),
  'a symbol for the text': () => ({ sql: Symbol('sql') }),
  'a timeout that is not a number': () => ({ sql: 'SELECT 1', timeout: 'soon' }),
  'a signal that is not an AbortSignal': () => ({ sql: 'SELECT 1', signal: 'stop' }),
};

/** What throws when it is read: its own error is what its caller gets. */
const THROWING: Readonly<Record<string, () => unknown>> = {
  'a text that throws': () => throwingAt('sql'),
  'values that throw': () => throwingAt('values'),
  'a timeout that throws': () => throwingAt('timeout'),
  'a signal that throws': () => throwingAt('signal'),
  'an option of mysql2 that throws': () => throwingAt('rowsAsArray'),
  'a proxy that throws': () =>
    new Proxy(
      {},
      {
        get: () => {
          throw new Error('from the caller');
        },
      },
    ),
  'a proxy that shows nothing': () =>
    new Proxy(
      { sql: 'SELECT 1' },
      {
        ownKeys: () => {
          throw new Error('from the caller');
        },
      },
    ),
};

function throwingAt(name: string): object {
  return Object.defineProperty({ sql: 'SELECT 1' }, name, {
    enumerable: true,
    get: () => {
      throw new Error('from the caller');
    },
  });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({ sql: 'SELECT 1' }, {});
  revoke();
  return proxy;
}

/** Throws something that is no error. */
function throwingNothing(): object {
  return {
    get sql(): string {
      throw undefined as unknown as Error;
    },
  };
}

/** Runs a statement at one of the doors; resolves to the error. */
type Door = (method: Method, statement: unknown) => Promise<Refusal['error']>;

interface Asked {
  query(statement: never, callback?: never): unknown;
  execute(statement: never, callback?: never): unknown;
}

/** By promise. What is thrown where it is called is not on the caller's promise. */
function byPromise(asked: Asked): Door {
  return (method, statement) => {
    const promise = asked[method](statement as never) as Promise<unknown>;
    return promise.then(
      () => {
        throw new Error('It was run.');
      },
      (error: Refusal['error']) => error,
    );
  };
}

function byCallback(asked: Asked): Door {
  return (method, statement) =>
    new Promise((resolve, reject) => {
      const done = (error: Refusal['error'] | null): void => (error === null ? reject(new Error('It was run.')) : resolve(error));
      asked[method](statement as never, done as never);
    });
}

/** With values between the statement and the callback. */
function byCallbackWithValues(asked: Asked): Door {
  return (method, statement) =>
    new Promise((resolve, reject) => {
      const done = (error: Refusal['error'] | null): void => (error === null ? reject(new Error('It was run.')) : resolve(error));
      (asked[method] as (...parameters: unknown[]) => unknown)(statement, [1], done);
    });
}

function byEvents(asked: { query(statement: never): unknown }): Door {
  return (_, statement) =>
    new Promise((resolve) => {
      (asked.query(statement as never) as NodeJS.EventEmitter).on('error', resolve);
    });
}

/** Says so when nothing comes: a refusal must not wait for anything. */
async function atOnce(refusal: Promise<Refusal['error']>): Promise<Refusal['error']> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('No answer.')), 60_000);
  });
  return await Promise.race([refusal, late]).finally(() => clearTimeout(timer));
}

/** Asks for every bad statement by both methods; returns those that were not refused as they should be. */
async function refusedAt(door: Door, methods: readonly Method[] = ['query', 'execute']): Promise<string[]> {
  const faults: string[] = [];
  const ask = async (what: string, statement: () => unknown, isRight: (error: Refusal['error']) => boolean): Promise<void> => {
    for (const method of methods) {
      const error = await atOnce(Promise.resolve(door(method, statement()))).catch((unexpected: Error) => unexpected);
      if (!isRight(error)) faults.push(`${method}(${what}): ${error.message}`);
    }
  };
  for (const [what, statement] of Object.entries(BAD)) {
    await ask(what, statement, ({ code, message }) => code === 'POOL_OPTION_INVALID' && /must be .+; given: .+/u.test(message));
  }
  for (const [what, statement] of Object.entries(THROWING)) await ask(what, statement, ({ message }) => message === 'from the caller');
  await ask('a revoked proxy', revoked, (error) => (error as unknown) instanceof TypeError);
  await ask('a getter that throws nothing', throwingNothing, ({ code }) => code === 'POOL_OPTION_INVALID');
  return faults;
}

const POOL_DOORS: Readonly<Record<string, (pool: Pool) => { readonly door: Door; readonly methods?: readonly Method[] }>> = {
  'a pool': (pool) => ({ door: byPromise(pool) }),
  'a callback pool': (pool) => ({ door: byCallback(pool.pool) }),
  'a callback pool, with values': (pool) => ({ door: byCallbackWithValues(pool.pool) }),
  'a callback pool, by events': (pool) => ({ door: byEvents(pool.pool), methods: ['query'] }),
};

/** What is there to run statements on once a connection was lent. */
const LENT_DOORS: Readonly<
  Record<string, (pool: Pool, work: (door: Door, methods?: readonly Method[]) => Promise<void>) => Promise<void>>
> = {
  'a transaction': async (pool, work) => {
    await pool.transaction((tx) => work(byPromise(tx)));
  },
  'a borrowed connection': async (pool, work) => {
    await using connection = await pool.getConnection();
    await work(byPromise(connection));
  },
  'a connection borrowed by callback': async (pool, work) => {
    const connection = await borrowByCallback(pool);
    await work(byCallback(connection)).finally(() => connection.release());
  },
  'a connection borrowed by callback, with values': async (pool, work) => {
    const connection = await borrowByCallback(pool);
    await work(byCallbackWithValues(connection)).finally(() => connection.release());
  },
  'a connection borrowed by callback, by events': async (pool, work) => {
    const connection = await borrowByCallback(pool);
    await work(byEvents(connection), ['query']).finally(() => connection.release());
  },
};

const FLAVORS: Readonly<Record<string, (database: TestDatabase, port: number) => Pool>> = {
  poolwright: (database, port) => poolOf(database, { port, retries: { attempts: 3 } }),
  'poolwright/mysql2/promise': (database, port) => createDropIn({ ...database.connection, port }) as unknown as Pool,
};

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

/** Nothing of what was refused is counted anywhere. */
function expectUntouched(pool: Pool, acquires: number): void {
  const { breakers, statementRetries, ...stats } = pool.stats();
  expect(stats).toMatchObject({ acquires, waiting: 0, queryErrors: 0, retries: 0 });
  expect(statementRetries).toEqual({ retried: 0, recovered: 0, exhausted: 0, overBudget: 0 });
  expect([breakers.statement.failures, breakers.connect.failures]).toEqual([0, 0]);
  expect(imbalanceOf(pool.stats())).toEqual([]);
}

describe.each(Object.entries(FLAVORS))('what is no statement, given to %s', (_, poolAt) => {
  describe('while the database is reachable', () => {
    it.each(Object.entries(POOL_DOORS))('is refused by %s, without a connection', async (__, doorOf) => {
      using uncaught = captureUncaught();
      await using pool = poolAt(database, database.port);
      const { door, methods } = doorOf(pool);
      expect(await refusedAt(door, methods)).toEqual([]);
      expectUntouched(pool, 0);
      expect(pool.stats().opened).toBe(0);
      expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
      expect(uncaught.errors).toEqual([]);
    });

    it.each(Object.entries(LENT_DOORS))('is refused by %s, which stays usable', async (__, through) => {
      using uncaught = captureUncaught();
      await using pool = poolAt(database, database.port);
      await through(pool, async (door, methods) => {
        expect(await refusedAt(door, methods)).toEqual([]);
      });
      await waitFor('the connection to be back', () => pool.summary().used === 0);
      expectUntouched(pool, 1);
      expect(pool.stats()).toMatchObject({ opened: 1, closed: 0, total: 1 });
      expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
      expect(uncaught.errors).toEqual([]);
    });
  });

  describe('while the database is unreachable', () => {
    it.each(Object.entries(POOL_DOORS))('is refused by %s', async (__, doorOf) => {
      using uncaught = captureUncaught();
      await using pool = poolAt(database, await freePort());
      const { door, methods } = doorOf(pool);
      expect(await refusedAt(door, methods)).toEqual([]);
      expectUntouched(pool, 0);
      expect(uncaught.errors).toEqual([]);
    });

    it.each(Object.entries(LENT_DOORS))('is refused by %s, whose connection is lost', async (__, through) => {
      using uncaught = captureUncaught();
      await using proxy: TcpProxy = await startTcpProxy(database);
      await using pool = poolAt(database, proxy.port);
      const over = through(pool, async (door, methods) => {
        proxy.refuse();
        proxy.reset();
        await waitFor('the loss', () => pool.stats().closedByReason.lost === 1);
        expect(await refusedAt(door, methods)).toEqual([]);
        expectUntouched(pool, 1);
      });
      // A transaction cannot be committed then.
      await over.catch((error: { readonly code?: string }) => expect(error.code).toBe('POOL_CONNECTION_LOST'));
      expect(uncaught.errors).toEqual([]);
    });
  });

  it('is refused by prepare() of a borrowed connection, which stays usable', async () => {
    using uncaught = captureUncaught();
    await using pool = poolAt(database, database.port);
    await using connection = await pool.getConnection();
    const called = connection.connection as unknown as { prepare(sql: never, callback: never): void };
    const door = byPromise({ query: (statement) => connection.prepare(statement), execute: connection.prepare.bind(connection) });
    const callbackDoor = byCallback({ query: called.prepare.bind(called), execute: called.prepare.bind(called) });
    expect([...(await refusedAt(door)), ...(await refusedAt(callbackDoor))]).toEqual([]);
    const prepared = await connection.prepare('SELECT ? AS one');
    expect((await prepared.execute([1]))[0]).toEqual([{ one: 1 }]);
    expect(uncaught.errors).toEqual([]);
  });

  it('is refused in the breaker’s place while that is open', async () => {
    using uncaught = captureUncaught();
    await using pool = poolAt(database, database.port);
    const letGo = pool.breakers.statement.isolate('by hand');
    expect(await refusedAt(byPromise(pool))).toEqual([]);
    expect(await refusedAt(byCallback(pool.pool))).toEqual([]);
    letGo();
    expect(uncaught.errors).toEqual([]);
  });
});

/** What is a statement, however it is made. */
const GOOD: Readonly<Record<string, () => object>> = {
  'frozen options': () => Object.freeze({ sql: 'SELECT 1 AS one', timeout: 10_000 }),
  'an object without a prototype': () => Object.assign(Object.create(null) as object, { sql: 'SELECT 1 AS one' }),
  'an object of another realm': () => runInNewContext("({ sql: 'SELECT ? AS one', values: [1] })") as object,
  'a proxy': () => new Proxy({ sql: 'SELECT ? AS one', values: [1] }, {}),
  'options with more than mysql2 knows': () => ({ sql: 'SELECT 1 AS one', comment: 'nothing to it' }),
};

describe('what is a statement', () => {
  it.each(Object.entries(GOOD))('is run at each door: %s', async (_, statement) => {
    await using pool = poolOf(database);
    const one = [{ one: 1 }];
    for (const method of ['query', 'execute'] as const) {
      const promised = async (asked: Asked): Promise<unknown> => ((await asked[method](statement() as never)) as [unknown])[0];
      const called = (asked: Asked): Promise<unknown> =>
        new Promise((resolve) => {
          asked[method](statement() as never, ((error: unknown, found: unknown) => resolve(error ?? found)) as never);
        });
      await using connection = await pool.getConnection();
      expect(await promised(pool)).toEqual(one);
      expect(await pool.transaction((tx) => promised(tx))).toEqual(one);
      expect(await promised(connection)).toEqual(one);
      expect(await called(pool.pool)).toEqual(one);
      expect(await called(connection.connection as unknown as Asked)).toEqual(one);
    }
  });

  it('may be a command that mysql2 has made', async () => {
    await using pool = poolOf(database);
    const commandOf = (done?: (error: Error | null, rows: unknown) => void): never =>
      mysql.createQuery({ sql: 'SELECT ? AS one', values: [1] }, undefined, done, {}) as never;
    const one = [{ one: 1 }];
    expect((await pool.query(commandOf()))[0]).toEqual(one);
    expect((await pool.execute(commandOf()))[0]).toEqual(one);
    const connection = await borrowByCallback(pool);
    const rows = await new Promise((resolve) => connection.query(commandOf((error, found) => resolve(error ?? found))));
    connection.release();
    expect(rows).toEqual(one);
  });

  it.each(['sql', 'values', 'timeout', 'signal', 'rowsAsArray'])('has its option read once: %s', async (name) => {
    await using pool = poolOf(database);
    await using connection = await pool.getConnection();
    const made = { sql: 'SELECT ? AS one', values: [1], timeout: 10_000, signal: new AbortController().signal, rowsAsArray: false };
    const reads: string[] = [];
    const watched = (): object =>
      Object.defineProperty({ ...made }, name, {
        enumerable: true,
        get: () => {
          reads.push(name);
          return made[name as keyof typeof made];
        },
      });
    for (const asked of [pool, connection] satisfies Asked[]) {
      for (const method of ['query', 'execute'] as const) {
        reads.length = 0;
        await (asked as Asked)[method](watched() as never);
        expect([method, reads.length]).toEqual([method, 1]);
      }
    }
  });
});
