import { startMariaDb } from '../../../src/demo/mariadb-server.js';
import type { PrivateServer, PrivateServerOptions } from '../../../src/demo/private-server.js';
import { startMySql } from './mysql-server.js';
import { startNewerMariaDb } from './newer-mariadb-server.js';

/** How to start each server that a run may be on. */
const STARTERS = {
  /** The system's own: MariaDB 10.11 on Debian 12. */
  mariadb: startMariaDb,
  /** MySQL 9. */
  mysql: startMySql,
  'mariadb-11.8': startNewerMariaDb,
} satisfies Readonly<Record<string, (options?: PrivateServerOptions) => Promise<PrivateServer>>>;

/** A server that a run may be on. */
export type ServerKind = keyof typeof STARTERS;

/** The environment variable with the server that a run is on. Default: `mariadb`. `npm test -- --server` sets it. */
const VARIABLE = 'POOLWRIGHT_TEST_SERVER';

/** The server that this run is on. */
export function chosenKind(): ServerKind {
  const name = process.env[VARIABLE] ?? 'mariadb';
  if (name in STARTERS) return name as ServerKind;
  throw new Error(`${VARIABLE} is ${name}; it may be ${Object.keys(STARTERS).join(', ')}.`);
}

export function startServerOf(kind: ServerKind, options?: PrivateServerOptions): Promise<PrivateServer> {
  return STARTERS[kind](options);
}
