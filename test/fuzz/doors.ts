/** Every door that a statement can come in by, as a function that reports how often it was answered. */

import type { Readable } from 'node:stream';
import type { PoolConnection as RawConnection } from 'mysql2';
import { createQueryCache } from '../../src/cache/index.js';
import { createPool } from '../../src/mysql/create-pool.js';
import { createCallbackPool, createCallbackPoolCluster, createPromisePool, createPromisePoolCluster } from '../../src/mysql/drop-in.js';
import type { Pool } from '../../src/mysql/pools/pool.js';
import type { Dice } from '../simulation/dice.js';
import type { TestDatabase } from '../support/servers/database.js';
import { hostileValue } from './hostile-values.js';

/** The answers to one call, which must be one when its promise resolves, and stay one. */
export class Answers {
  count = 0;
  readonly first: Promise<unknown>;
  #resolve: (value: unknown) => void = () => {};

  constructor() {
    this.first = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Takes what a callback is called with, and what a promise settles with. */
  readonly note = (value?: unknown): void => {
    this.count += 1;
    this.#resolve(value);
  };

  of(promise: unknown): void {
    Promise.resolve(promise).then(this.note, this.note);
  }
}

type Call = (answers: Answers, sql: unknown, values: unknown, dice: Dice) => void;
type AnyMethods = Record<string, (...parameters: unknown[]) => unknown>;

/** The pools of one campaign, and their doors by name. */
export interface Doors extends AsyncDisposable {
  readonly calls: Readonly<Record<string, Call>>;
  /** The managed pools, by promise. */
  readonly pools: readonly Pool[];
}

/** Opens the pools. @param away a port at which nothing listens */
export function openDoors(database: TestDatabase, away: number): Doors {
  const few = { ...database.connection, connectionLimit: 3 };
  const logger = { debug: reject, info: reject, warn: reject, error: reject };
  const pool = createPool({ ...few, minIdle: 0, logger, retries: { attempts: 1 } });
  const cached = createPool({ ...few, minIdle: 0, cache: createQueryCache() });
  const several = createPool({ ...few, minIdle: 0, multipleStatements: true, namedPlaceholders: true });
  const gone = createPool({ ...few, minIdle: 0, port: away, acquireTimeout: 50, logger });
  const mirror = createPromisePool(few) as Pool;
  const callbackMirror = createCallbackPool(few);
  const cluster = createCallbackPoolCluster();
  cluster.add('one', few);
  cluster.add('two', few);
  const promiseCluster = createPromisePoolCluster() as unknown as {
    of(pattern: string): AnyMethods;
    end(): Promise<void>;
    add(id: string, options: object): void;
    poolCluster: typeof cluster;
  }; // prettier-ignore
  promiseCluster.poolCluster.add('one', few);
  const nodes = [cluster, promiseCluster.poolCluster].flatMap((one) => Object.values(one._nodes).map((node) => node?.pool));
  return {
    pools: [pool, cached, several, gone, mirror, ...[callbackMirror, ...nodes].map((one) => one?.promise() as Pool)],
    calls: {
      ...promiseDoors('pool', pool),
      ...promiseDoors('cached', cached),
      ...promiseDoors('several', several),
      ...promiseDoors('gone', gone),
      ...promiseDoors('mirror', mirror),
      ...promiseDoors('promise cluster', {
        query: (...given: unknown[]) => promiseCluster.of('*')['query']?.(...given),
        execute: (...given: unknown[]) => promiseCluster.of('*')['execute']?.(...given),
      } as unknown as Pool), // prettier-ignore
      ...callbackDoors('callback pool', pool.pool),
      ...callbackDoors('cached callback pool', cached.pool),
      ...callbackDoors('gone callback pool', gone.pool),
      ...callbackDoors('callback mirror', callbackMirror),
      ...callbackDoors('cluster', cluster.of('*')),
      ...callbackDoors('cluster of none', cluster.of('none*')),
      'cached, asked to': (answers, sql, values, dice) => {
        const cache = dice.chance(50) ? true : hostileValue(dice);
        answers.of(cached.query({ sql, values, cache } as never));
      },
      transaction: (answers, sql, values, dice) => {
        answers.of(pool.transaction((tx) => tx[methodOf(dice)](sql as string, values as never)));
      },
      'nested transaction': (answers, sql, values, dice) => {
        answers.of(pool.transaction((tx) => tx.transaction((inner) => inner[methodOf(dice)](sql as string, values as never))));
      },
      borrowed: (answers, sql, values, dice) => {
        answers.of(borrowed(pool, (connection) => connection[dice.of(['query', 'execute', 'prepare', 'format', 'escape'])]?.(sql, values)));
      },
      'borrowed by callback': (answers, sql, values, dice) => {
        const method = dice.of(['query', 'execute', 'prepare']);
        byCallback(pool, answers, (connection, done) => {
          if (method === 'prepare') connection['prepare']?.(sql, done);
          else connection[method]?.(sql, values, done);
        });
      },
      'borrowed, as a stream': (answers, sql, values, dice) => {
        byCallback(pool, answers, (connection, done) => {
          const method = methodOf(dice);
          readIn(dice, connection[method]?.(sql, values) as Streamable, done);
        });
      },
      'acquire options': (answers, _sql, _values, dice) => {
        const given = { [dice.of(['timeout', 'signal', 'priority', 'fairnessKey'])]: hostileValue(dice) };
        answers.of(pool.getConnection(given as never).then((connection) => connection.release()));
      },
      'transaction options': (answers, _sql, _values, dice) => {
        const given = { [dice.of(['timeout', 'signal', 'isolation', 'readOnly', 'maxRetries'])]: hostileValue(dice) };
        answers.of(pool.transaction(() => Promise.resolve(1), given));
      },
      text: (answers, sql, values) => {
        answers.of(attempt(() => pool.format(sql as string, values)));
      },
      value: (answers, _sql, _values, dice) => {
        answers.of(attempt(() => [pool.escape(hostileValue(dice)), pool.escapeId(hostileValue(dice) as string)]));
      },
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([pool.end(), cached.end(), several.end(), gone.end(), mirror.end(), promiseCluster.end()]);
      await new Promise((resolve) => callbackMirror.end(resolve));
      await new Promise((resolve) => (cluster as unknown as { end(callback: (value: unknown) => void): void }).end(resolve));
    },
  };
}

function promiseDoors(name: string, pool: Pool): Record<string, Call> {
  return {
    [`${name}.query`]: (answers, sql, values) => answers.of(attempt(() => pool.query(sql as string, values as never))),
    [`${name}.execute`]: (answers, sql, values) => answers.of(attempt(() => pool.execute(sql as string, values as never))),
  };
}

function callbackDoors(name: string, given: unknown): Record<string, Call> {
  const pool = given as AnyMethods;
  return {
    [`${name}.query`]: (answers, sql, values) => void pool['query']?.(sql, values, answers.note),
    [`${name}.execute`]: (answers, sql, values) => void pool['execute']?.(sql, values, answers.note),
    [`${name}.stream`]: (answers, sql, values, dice) => readIn(dice, pool['query']?.(sql, values) as Streamable, answers.note),
  };
}

interface Streamable {
  stream(): Readable;
  once(event: string, listener: () => void): unknown;
}

/** Reads a result as a stream, in one of the ways that readers have, and calls back when the stream is closed. */
function readIn(dice: Dice, command: Streamable, done: (error?: unknown) => void): void {
  const stream = command.stream();
  stream.once('close', () => done());
  const way = dice.weighted({ read: 4, iterate: 3, destroyed: 3, later: 2 });
  if (way === 'read') stream.on('error', ignoreIt).resume();
  else if (way === 'destroyed') stream.destroy();
  else if (way === 'later') setImmediate(() => stream.destroy());
  else void iterate(stream, dice.below(4)).catch(ignoreIt);
}

async function iterate(stream: Readable, most: number): Promise<void> {
  let rows = 0;
  for await (const _row of stream) {
    rows += 1;
    if (rows > most) return;
  }
}

function borrowed(pool: Pool, use: (connection: AnyMethods) => unknown): Promise<unknown> {
  return pool.getConnection().then(async (connection) => {
    try {
      return await use(connection as unknown as AnyMethods);
    } finally {
      connection.release();
    }
  });
}

function byCallback(pool: Pool, answers: Answers, use: (connection: AnyMethods, done: (value?: unknown) => void) => void): void {
  pool.pool.getConnection((error, connection: RawConnection) => {
    if (error !== null) {
      answers.note(error);
      return;
    }
    const done = (value?: unknown): void => {
      answers.note(value);
      connection.release();
    };
    try {
      use(connection as unknown as AnyMethods, done);
    } catch (thrown) {
      done(thrown);
    }
  });
}

function methodOf(dice: Dice): 'query' | 'execute' {
  return dice.chance(50) ? 'query' : 'execute';
}

function attempt(call: () => unknown): Promise<unknown> {
  return new Promise((resolve) => resolve(call()));
}

function reject(): Promise<never> {
  return Promise.reject(new Error('a logger that fails later'));
}

function ignoreIt(): void {}
