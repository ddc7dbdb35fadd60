import { EventEmitter } from 'node:events';
import { createPool as createGenericPool } from 'generic-pool';
import mariadb from 'mariadb';
import mysql from 'mysql2/promise';
import PgPool from 'pg-pool';
import { createPool } from 'poolwright';
import { Pool as Engine } from 'poolwright/engine';
import { Pool as TarnPool } from 'tarn';
import { type Contestant, type Scenario, type Surroundings } from '../scenario.js';

/** Connections of every pool; all are open and idle before the first round. */
const CONNECTIONS = 20;

interface Resource {
  readonly id: number;
}

let resources = 0;
const openResource = async (): Promise<Resource> => ({ id: (resources += 1) });

export const acquire: Scenario = {
  name: 'acquire',
  about: `acquire + release over ${CONNECTIONS} idle entries, everything that each pool records by default switched on. mysql2, mariadb and poolwright hold real
connections to one MariaDB on loopback; tarn, generic-pool, pg-pool and poolwright's engine hold plain objects (pg-pool wants a client class: one that does nothing).
'bare' is an array push and pop and a resolved promise: no pool can be faster.`,
  callers: [1, 20, 200, 2_000],
  needsDatabase: true,
  ours: 'poolwright',
  limits: ['bare'],
  operations: (callers) => (callers >= 200 ? 100_000 : 200_000),
  contestants: {
    poolwright: async ({ databaseUrl }) => {
      const pool = createPool(databaseUrl, { connectionLimit: CONNECTIONS, minIdle: CONNECTIONS });
      await pool.ready();
      return loops(
        () => pool.getConnection(),
        (connection) => connection.release(),
        () => pool.end(),
      );
    },
    'poolwright engine': async () => {
      const factory = { open: openResource, close: () => undefined, validate: async () => undefined };
      const pool = new Engine(factory, { connectionLimit: CONNECTIONS, minIdle: CONNECTIONS });
      await pool.ready();
      return loops(
        () => pool.acquire(),
        (lease) => lease.release(),
        () => pool.close(),
      );
    },
    mysql2: async ({ databaseUrl }) => {
      const pool = mysql.createPool({ uri: databaseUrl, connectionLimit: CONNECTIONS });
      return await warm(
        () => pool.getConnection(),
        (connection) => connection.release(),
        () => pool.end(),
      );
    },
    mariadb: async ({ databaseUrl }: Surroundings) => {
      const pool = mariadb.createPool({ ...addressOf(databaseUrl), connectionLimit: CONNECTIONS, minimumIdle: CONNECTIONS });
      return await warm(
        () => pool.getConnection(),
        (connection) => connection.release(),
        () => pool.end(),
      );
    },
    tarn: async () => {
      const pool = new TarnPool<Resource>({ create: openResource, destroy: () => undefined, min: CONNECTIONS, max: CONNECTIONS });
      return await warm(
        () => pool.acquire().promise,
        (resource) => pool.release(resource),
        () => pool.destroy(),
      );
    },
    'generic-pool': async () => {
      const pool = createGenericPool<Resource>(
        { create: openResource, destroy: async () => undefined },
        { min: CONNECTIONS, max: CONNECTIONS },
      );
      return await warm(
        () => pool.acquire(),
        (resource) => void pool.release(resource),
        async () => {
          await pool.drain();
          await pool.clear();
        },
      );
    },
    'pg-pool': async () => {
      const pool = new PgPool({ Client: IdleClient as never, max: CONNECTIONS });
      return await warm(
        () => pool.connect(),
        (client) => client.release(),
        () => pool.end(),
      );
    },
    bare: async () => {
      const idle = Array.from({ length: CONNECTIONS }, (_, id) => ({ id }));
      return loops(
        // An array does not wait: callers beyond the entries get one of their own.
        () => Promise.resolve(idle.pop() ?? { id: -1 }),
        (resource) => void idle.push(resource),
        () => undefined,
      );
    },
  },
};

/** What pg-pool needs of a client. */
class IdleClient extends EventEmitter {
  connect(callback: (error?: Error) => void): void {
    process.nextTick(callback);
  }

  end(callback?: () => void): Promise<void> {
    callback?.();
    return Promise.resolve();
  }
}

/** Callers that acquire and release in a loop. */
function loops<T>(take: () => Promise<T>, give: (resource: T) => unknown, close: () => Promise<unknown> | undefined | void): Contestant {
  return {
    async run(callers, operations) {
      const each = Math.floor(operations / callers);
      const caller = async (): Promise<void> => {
        for (let done = 0; done < each; done += 1) {
          const resource = await take();
          if (resource == null) throw new Error('nothing was acquired');
          give(resource);
        }
      };
      await Promise.all(Array.from({ length: callers }, caller));
    },
    async close() {
      await close();
    },
  };
}

/** The same, after every connection was open at once. */
async function warm<T>(
  take: () => Promise<T>,
  give: (resource: T) => unknown,
  close: () => Promise<unknown> | undefined,
): Promise<Contestant> {
  const all = await Promise.all(Array.from({ length: CONNECTIONS }, () => take()));
  if (new Set(all).size !== CONNECTIONS) throw new Error('the pool did not open all its connections');
  for (const resource of all) give(resource);
  return loops(take, give, close);
}

function addressOf(databaseUrl: string): { host: string; port: number; user: string; password: string; database: string } {
  const url = new URL(databaseUrl);
  return {
    host: url.hostname,
    port: Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1),
  };
}
