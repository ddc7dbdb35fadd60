/** Every kind of mistake that a caller can make with a statement, at every door: it is that caller's alone. */
import type { Pool as CallbackPool, PoolConnection } from 'mysql2';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createQueryCache } from '../../../src/cache/index.js';
import { createPoolCluster } from '../../../src/mirror/mysql2.js';
import { createPool as createDropIn } from '../../../src/mirror/promise.js';
import type { PoolOptions } from '../../../src/mysql/options/table.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { borrowByCallback, outcomeOf, poolOf, valueOf } from '../../support/pool-on-database.js';
import { sequence } from '../../support/sql-servers/sequence.js';
import { captureUncaught } from '../support/uncaught.js';

/** Calls of each sort. */
const CALLS = 30;
const CONNECTIONS = 4;

interface Mistake {
  readonly statement: () => unknown;
  readonly values?: unknown[];
  readonly method?: 'query' | 'execute';
  /** What the caller gets: the error's code, or its message. */
  readonly told: RegExp;
  /** Connections that one such call may cost. Default: none. */
  readonly costs?: number;
  /** It is refused before it has a connection, or never sent: mysql2's streams, and the namespaces of its clusters, throw it where they stand. */
  readonly unsent?: boolean;
}

const ROWS = 'SELECT 1 AS a UNION SELECT 2 UNION SELECT 3';
const LOAD = "LOAD DATA LOCAL INFILE 'x' INTO TABLE loaded";
/** Of MySQL, when `local_infile` is off: then it never asks for the file. */
const OFF = 'ER_CLIENT_LOCAL_FILES_DISABLED|ERROR 3948';

const throwing = (error: unknown) => (): never => {
  throw error;
};
const coded = (code: string): Error => Object.assign(new Error(`of the caller: ${code}`), { code });

const MANY_ROWS = `SELECT seq AS a FROM ${sequence(3_000)}`;

function throwingAfter(rows: number): (field: unknown, next: () => unknown) => unknown {
  let seen = 0;
  return (_, next) => {
    seen += 1;
    if (seen > rows) throw new Error('at a late row');
    return next();
  };
}

const MISTAKES: Readonly<Record<string, Mistake>> = {
  'a number for a statement': { statement: () => 5, told: /POOL_OPTION_INVALID/, unsent: true },
  'no text': { statement: () => ({}), told: /POOL_OPTION_INVALID/, unsent: true },
  'a function for values': {
    statement: () => ({ sql: 'SELECT 1', values: throwing(new Error('called')) }),
    told: /POOL_OPTION_INVALID/,
    unsent: true,
  },
  'a function for values, prepared': {
    statement: () => ({ sql: 'SELECT 1', values: throwing(new Error('called')) }),
    method: 'execute',
    told: /POOL_OPTION_INVALID/,
    unsent: true,
  },
  'an error of SQL': { statement: () => 'SELECT FROM', told: /ER_PARSE_ERROR/ },
  'a value that throws': {
    statement: () => 'SELECT ? AS a',
    values: [{ toString: throwing(new Error('from a value')) }],
    told: /from a value/,
    unsent: true,
  },
  'too few parameters': { statement: () => 'SELECT ? AS a, ? AS b', values: [1], method: 'execute', told: /ER_WRONG_ARGUMENTS/ },
  'an undefined parameter': { statement: () => 'SELECT ? AS a', values: [undefined], method: 'execute', told: /undefined/, unsent: true },
  'a typeCast that throws': { statement: () => ({ sql: ROWS, typeCast: throwing(new Error('from typeCast')) }), told: /from typeCast/ },
  'a typeCast that throws, prepared': {
    statement: () => ({ sql: ROWS, typeCast: throwing(new Error('from typeCast')) }),
    method: 'execute',
    told: /from typeCast/,
  },
  'a typeCast that throws at a late row': { statement: () => ({ sql: MANY_ROWS, typeCast: throwingAfter(900) }), told: /at a late row/ },
  'a typeCast that throws at a late row, prepared': {
    statement: () => ({ sql: MANY_ROWS, typeCast: throwingAfter(900) }),
    method: 'execute',
    told: /at a late row/,
  },
  'a typeCast that throws what looks like a lost connection': {
    statement: () => ({ sql: ROWS, typeCast: throwing(coded('ECONNRESET')) }),
    told: /^ECONNRESET$/,
  },
  'a typeCast that throws a text': { statement: () => ({ sql: ROWS, typeCast: throwing('a string') }), told: /POOL_OPTION_INVALID/ },
  'a typeCast that throws nothing': { statement: () => ({ sql: ROWS, typeCast: throwing(undefined) }), told: /POOL_OPTION_INVALID/ },
  'a typeCast that throws a frozen error': {
    statement: () => ({ sql: ROWS, typeCast: throwing(Object.freeze(new Error('frozen'))) }),
    told: /frozen/,
  },
  'an infileStreamFactory that throws': {
    statement: () => ({ sql: LOAD, infileStreamFactory: throwing(new Error('from the factory')) }),
    told: new RegExp(`from the factory|${OFF}`),
  },
  'an infileStreamFactory that gives nothing': {
    statement: () => ({ sql: LOAD, infileStreamFactory: () => undefined }),
    told: new RegExp(`POOL_OPTION_INVALID|${OFF}`),
  },
  'an infileStreamFactory whose stream fails as a connection would': {
    statement: () => ({
      sql: LOAD,
      infileStreamFactory: () =>
        new Readable({
          read() {
            this.destroy(coded('ECONNRESET'));
          },
        }),
    }),
    told: new RegExp(`^ECONNRESET$|${OFF}`),
  },
  'a time-out that is too short': {
    statement: () => ({ sql: 'SELECT SLEEP(1)', timeout: 15 }),
    told: /POOL_QUERY_TIMEOUT|PROTOCOL_SEQUENCE_TIMEOUT/,
  },
  'a signal of a time-out that is too short': {
    statement: () => ({ sql: 'SELECT SLEEP(1)', signal: AbortSignal.timeout(15) }),
    told: /POOL_ABORTED/,
  },
  'a KILL QUERY of its own': { statement: () => 'KILL QUERY CONNECTION_ID()', told: /ER_QUERY_INTERRUPTED/ },
  // The server closes that connection.
  'a KILL of its own': {
    statement: () => 'KILL CONNECTION_ID()',
    told: /ER_QUERY_INTERRUPTED|POOL_CONNECTION_LOST|ER_CONNECTION_KILLED|killed|PROTOCOL_CONNECTION_LOST|ECONNRESET/,
    costs: 1,
  },
};

/** Runs a statement that is wrong, and one that is right. */
interface Caller extends AsyncDisposable {
  bad(mistake: Mistake): Promise<unknown>;
  /** The number of the connection that it ran on. */
  good(): Promise<unknown>;
  /** Where there is a pool to ask. */
  readonly pool?: Pool;
}

type Door = (database: TestDatabase) => Caller | Promise<Caller>;

type Runs = Pick<Pool, 'query' | 'execute'>;

interface RunsByCallback {
  query(sql: never, values: never, done: never): unknown;
  execute(sql: never, values: never, done: never): unknown;
}

const OPTIONS: PoolOptions = { connectionLimit: CONNECTIONS, flags: ['LOCAL_FILES'] };

async function byPromise(runs: Runs, { method = 'query', statement, values }: Mistake): Promise<unknown> {
  return await runs[method](statement() as never, values as never);
}

function byCallback(runs: RunsByCallback, { method = 'query', statement, values }: Mistake): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, rows: unknown): void => (error === null ? resolve(rows) : reject(error));
    runs[method](statement() as never, (values ?? []) as never, done as never);
  });
}

function asStream(runs: CallbackPool | PoolConnection, { statement, values }: Mistake): Promise<unknown> {
  return runs
    .query(statement() as string, values ?? [])
    .stream()
    .toArray();
}

/** A pool of its own, and what is done with it. */
function through(bad: (pool: Pool, mistake: Mistake) => Promise<unknown>, options: PoolOptions = {}): Door {
  return (database) => {
    const pool = poolOf(database, { ...OPTIONS, ...options });
    return callerOf(pool, bad);
  };
}

function callerOf(pool: Pool, bad: (pool: Pool, mistake: Mistake) => Promise<unknown>): Caller {
  return {
    pool,
    bad: (mistake) => bad(pool, mistake),
    good: () => valueOf(pool, 'CONNECTION_ID()'),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

async function onBorrowedByCallback(pool: Pool, run: (connection: PoolConnection) => Promise<unknown>): Promise<unknown> {
  const connection = await borrowByCallback(pool);
  try {
    return await run(connection);
  } finally {
    connection.release();
  }
}

const DOORS: Readonly<Record<string, Door>> = {
  'a pool': through(byPromise),
  'a callback pool': through((pool, mistake) => byCallback(pool.pool, mistake)),
  'a transaction': through((pool, mistake) => pool.transaction((tx) => byPromise(tx as Runs, mistake))),
  'a borrowed connection': through(async (pool, mistake) => {
    await using connection = await pool.getConnection();
    return await byPromise(connection, mistake);
  }),
  'a connection borrowed by callback': through((pool, mistake) =>
    onBorrowedByCallback(pool, (connection) => byCallback(connection, mistake)),
  ),
  'a stream': through((pool, mistake) => asStream(pool.pool, mistake)),
  'a stream on a borrowed connection': through((pool, mistake) =>
    onBorrowedByCallback(pool, (connection) => asStream(connection, mistake)),
  ),
  'a pool with a cache': (database) =>
    callerOf(poolOf(database, { ...OPTIONS, cache: createQueryCache() }), async (pool, { statement, values, method = 'query' }) => {
      const given = statement();
      const options = typeof given === 'string' ? { sql: given } : (given as { readonly sql: string });
      const cached = typeof given === 'number' ? given : { ...options, cache: { ttl: 60_000 } };
      return await pool[method](cached as never, values as never);
    }),
  'poolwright/mysql2/promise': (database) =>
    callerOf(createDropIn({ ...database.connection, ...(OPTIONS as object) }) as unknown as Pool, byPromise),
  'a cluster of poolwright/mysql2': (database) => {
    const cluster = createPoolCluster();
    cluster.add('one', { ...database.connection, ...(OPTIONS as object) });
    const node = cluster.of('*') as unknown as RunsByCallback;
    return {
      bad: (mistake) => byCallback(node, mistake),
      good: async () => {
        const rows = await byCallback(node, { statement: () => 'SELECT CONNECTION_ID() AS value', told: /./ });
        return (rows as { readonly value: unknown }[])[0]?.value;
      },
      [Symbol.asyncDispose]: () => new Promise((resolve) => cluster.end(() => resolve())),
    };
  },
};

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
  await database.admin('CREATE TABLE loaded (a VARCHAR(50))');
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

function told(outcome: Awaited<ReturnType<typeof outcomeOf>>): string {
  if (!('error' in outcome)) return 'no error';
  const { code, message } = outcome.error as { readonly code?: string; readonly message: string };
  return code ?? message;
}

describe.each(Object.entries(DOORS))('I7, I9: by %s', (door, open) => {
  const isStream = door.includes('stream');
  const isSentOnly = isStream || door.includes('cluster');
  const mistakes = Object.entries(MISTAKES).filter(
    ([, { unsent, method, costs }]) => !(isSentOnly && unsent === true) && !(isStream && (method === 'execute' || costs !== undefined)),
  );

  it.each(mistakes)('%s, thirty times, costs callers without mistakes nothing', async (_, mistake) => {
    using uncaught = captureUncaught();
    const caller = await open(database);
    await using _caller = caller;
    const connections = new Set<unknown>();
    const note = async (): Promise<void> => void connections.add(await caller.good());
    // All connections are open before the first mistake.
    await Promise.all(Array.from({ length: CONNECTIONS }, note));
    const unexpected = new Set<string>();
    for (let call = 0; call < CALLS; call += 1) {
      const outcome = told(await outcomeOf(caller.bad(mistake)));
      // A cache takes no statement whose answer it could not find again.
      const isRefused = door.includes('cache') && outcome === 'POOL_OPTION_INVALID';
      if (!mistake.told.test(outcome) && !isRefused) unexpected.add(outcome);
      await note();
    }
    // Where they meet in the queue.
    const together = Array.from({ length: CALLS }, () => [outcomeOf(caller.bad(mistake)), note()]);
    await Promise.all(together.flat());

    expect([...unexpected]).toEqual([]);
    const allowed = (mistake.costs ?? 0) * 2 * CALLS;
    expect(connections.size).toBeLessThanOrEqual(CONNECTIONS + allowed);
    expect(uncaught.errors).toEqual([]);
    if (caller.pool === undefined) return;
    const { breakers, statementRetries, closedByReason, opened } = caller.pool.stats();
    expect([breakers.statement.transitions.open, breakers.connect.transitions.open, statementRetries.retried]).toEqual([0, 0, 0]);
    expect(opened).toBeLessThanOrEqual(CONNECTIONS + allowed);
    if (allowed === 0) expect(closedByReason.lost).toBe(0);
    expect((await caller.pool.health()).status).toBe('healthy');
  });
});
