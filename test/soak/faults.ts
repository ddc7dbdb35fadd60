import { setTimeout as delay } from 'node:timers/promises';
import type { PrivateServer } from '../../src/demo/private-server.js';
import type { Pool } from '../../src/index.js';
import type { TcpProxy } from '../support/network/tcp-proxy.js';

/** What faults are done to. */
export interface Surroundings {
  readonly server: PrivateServer;
  readonly proxy: TcpProxy;
  readonly pool: Pool;
  /** Runs statements as the administrator, over one connection, not through the proxy. Returns the rows of the last one. */
  readonly admin: (...statements: readonly string[]) => Promise<unknown>;
}

export type Fault = (surroundings: Surroundings) => Promise<void>;

const KILL = (count: string): string =>
  `SELECT GROUP_CONCAT(id) AS ids FROM (SELECT ID AS id FROM information_schema.processlist WHERE USER = 'poolwright' ${count}) AS victims`;

async function kill({ admin }: Surroundings, which: string): Promise<void> {
  const [row] = (await admin(KILL(which))) as { ids: string | null }[];
  for (const id of row?.ids?.split(',') ?? []) {
    // It may be gone by now.
    await admin(`KILL CONNECTION ${id}`).catch(() => undefined);
  }
}

/** Every one ends by itself and leaves nothing behind. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'kill one connection': (all) => kill(all, 'LIMIT 1'),
  'kill all connections': (all) => kill(all, ''),
  'reset all connections': async ({ proxy }) => proxy.reset(),
  'close all connections': async ({ proxy }) => proxy.close(),
  'cut in the middle of a packet': async ({ proxy }) => proxy.cutAfter(1 + Math.floor(Math.random() * 5_000)),
  'black hole': async ({ proxy }) => {
    proxy.pause();
    await delay(500 + Math.random() * 2_000);
    proxy.resume();
  },
  'half-open to the client': async ({ proxy }) => {
    proxy.drop('toClient');
    await delay(500 + Math.random() * 1_500);
    proxy.drop(undefined);
    // A caller whose answer was lost would wait forever: the reset stands for what TCP finds out.
    proxy.reset();
  },
  'half-open to the server': async ({ proxy }) => {
    proxy.drop('toServer');
    await delay(500 + Math.random() * 1_500);
    proxy.drop(undefined);
    proxy.reset();
  },
  'slow drip': async ({ proxy }) => {
    proxy.drip(20_000);
    await delay(1_000);
    proxy.drip(undefined);
  },
  'connections refused': async ({ proxy }) => {
    proxy.refuse();
    proxy.reset();
    await delay(500 + Math.random() * 1_000);
    await proxy.accept();
  },
  'server frozen': async ({ server }) => {
    await server.kill('SIGSTOP');
    await delay(500 + Math.random() * 2_000);
    await server.kill('SIGCONT');
  },
  'server killed and restarted': async ({ server }) => {
    await server.kill('SIGKILL');
    await delay(Math.random() * 1_000);
    await server.restart();
  },
  'server shut down and restarted': async ({ server }) => {
    await server.restart();
  },
  'read-only for a while': async ({ admin }) => {
    await admin('SET GLOBAL read_only = 1');
    await delay(500);
    await admin('SET GLOBAL read_only = 0');
  },
  'max_connections taken': async ({ admin }) => {
    // Over one connection: there is no room for another meanwhile.
    await admin('SET GLOBAL max_connections = 10', 'DO SLEEP(1)', 'SET GLOBAL max_connections = 200');
  },
  evict: async ({ pool }) => pool.evict(),
  'resize down and up': async ({ pool }) => {
    const { connectionLimit } = pool.options;
    pool.resize({ connectionLimit: 3 });
    await delay(500);
    pool.resize({ connectionLimit });
  },
  'suspend and resume': async ({ pool }) => {
    pool.suspend();
    await delay(500);
    pool.resume();
  },
};
