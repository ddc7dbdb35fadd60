import { deepStrictEqual } from 'node:assert/strict';
import { accountOf, SMALL_COLUMNS } from '../../data.js';
import type { ConnectionPool, OpenPool, Row } from '../../rivals/lender.js';
import type { Address, Case, Contestant, CreateContestant, Scenario, Surroundings } from '../../scenario.js';
import { expectConnections } from '../../runner/expect-connections.js';
import { elapsedMsOf } from '../timing.js';

const SIZE = 20;
const SQL = `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`;

interface Startup extends Case {
  readonly tls: boolean;
}

export const startup: Scenario<Startup> = {
  name: 'startup',
  title: 'Start of a process',
  about: `A process that has just started, as after a deployment or in a cold function: the time to load the package, to get the first answer from a new pool, and then to open ${SIZE} connections of another new pool for ${SIZE} callers.`,
  heldFixed: [
    'A new process for each round and contestant; no code of any pool is loaded before. The package is loaded from a warm file cache.',
    `${SIZE} connections: ${SIZE} acquires at the same time, all held until the last one has its connection; the server must count ${SIZE}.`,
    'TLS verifies certificate and host name.',
    '`one connection, no pool` is mysql2 with a single connection; its last column opens 20 of them at the same time.',
  ],
  cases: [
    { name: 'plain', tls: false, quick: true },
    { name: 'TLS', tls: true },
  ],
  metrics: {
    first: { label: 'first answer', unit: 'ms', compared: true },
    load: { label: 'loading the package', unit: 'ms', compared: true },
    twenty: { label: `${SIZE} connections`, unit: 'ms', compared: true },
  },
  ours: ['poolwright'],
  limits: ['one connection, no pool'],
  rounds: 7,
  warmUpRounds: 1,
  freshProcess: true,
  contestants: {
    poolwright: contestant(async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant(async () => (await import('../../rivals/mysql2.js')).openMysql2),
    mariadb: contestant(async () => (await import('../../rivals/mariadb.js')).openMariadb),
    knex: contestant(async () => (await import('../../rivals/knex.js')).openKnex),
    'one connection, no pool': async (surroundings) => starting(surroundings, loadDriver),
  },
};

/** What is loaded: how to ask a first question, and how to have many connections. */
interface Starter {
  first(address: Address): Promise<Row | undefined>;
  closeFirst(): Promise<unknown>;
  /** Resolves when `size` connections are borrowed, with the function that closes them. */
  many(address: Address, size: number): Promise<() => Promise<unknown>>;
}

function contestant(load: () => Promise<OpenPool>): CreateContestant<Startup> {
  return async (surroundings) =>
    starting(surroundings, async () => {
      const open = await load();
      let firstPool: ConnectionPool | undefined;
      return {
        async first(address) {
          firstPool = open({ address, limit: SIZE, minimum: 1 });
          return firstPool.rowsOf(await firstPool.query(SQL, [1]))[0];
        },
        closeFirst: async () => await firstPool?.close(),
        async many(address, size) {
          const pool = open({ address, limit: size, minimum: size });
          const all = await Promise.all(Array.from({ length: size }, () => pool.acquire()));
          return async () => {
            for (const connection of all) pool.release(connection);
            await pool.close();
          };
        },
      };
    });
}

async function loadDriver(): Promise<Starter> {
  const { openConnections } = await import('../../rivals/mysql2.js');
  let firstPool: ConnectionPool | undefined;
  return {
    async first(address) {
      firstPool = await openConnections({ address, limit: 1 });
      return firstPool.rowsOf(await firstPool.query(SQL, [1]))[0];
    },
    closeFirst: async () => await firstPool?.close(),
    async many(address, size) {
      const pool = await openConnections({ address, limit: size });
      return () => pool.close();
    },
  };
}

function starting(surroundings: Surroundings, load: () => Promise<Starter>): Contestant<Startup> {
  return {
    async run({ tls }) {
      const address = tls ? surroundings.tls : surroundings.database;
      let starter: Starter | undefined;
      const loadMs = await elapsedMsOf(async () => {
        starter = await load();
      });
      const loaded = starter as unknown as Starter;
      let row: Row | undefined;
      const firstMs = await elapsedMsOf(async () => {
        row = await loaded.first(address);
      });
      deepStrictEqual({ ...row }, accountOf(1));
      await loaded.closeFirst();
      await expectConnections(surroundings.id, surroundings.ask, 0);
      const startedAt = performance.now();
      const close = await loaded.many(address, SIZE);
      const twenty = performance.now() - startedAt;
      await expectConnections(surroundings.id, surroundings.ask, SIZE);
      await close();
      return { first: firstMs, load: loadMs, twenty };
    },
    close: async () => undefined,
  };
}
