import { createConnection, type RowDataPacket } from 'mysql2/promise';
import type { TestProject } from 'vitest/node';
import type { PrivateServer } from '../../src/demo/private-server.js';
import { chosenKind, type ServerKind, startServerOf } from './sql-servers/kinds.js';

/** What test processes know of the server that they share; it lives in the main process of the run. */
export interface SharedServer {
  readonly host: string;
  readonly port: number;
  readonly socketPath: string;
  readonly adminUser: string;
  readonly adminPassword: string;
  readonly caPath: string;
  readonly caCertificate: string;
  readonly kind: ServerKind;
  readonly family: 'mariadb' | 'mysql';
  /** As the server has it, such as `10.11.14-MariaDB`. */
  readonly version: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    server: SharedServer;
  }
}

async function versionOf({ host, port, adminUser: user, adminPassword: password }: PrivateServer): Promise<string> {
  const connection = await createConnection({ host, port, user, password });
  const [rows] = await connection.query<RowDataPacket[]>('SELECT VERSION() AS version');
  await connection.end();
  return String(rows[0]?.['version']);
}

/** Starts one server for the whole run. Tests that stop, freeze or reconfigure a server start their own. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const kind = chosenKind();
  const family = kind === 'mysql' ? 'mysql' : 'mariadb';
  const server = await startServerOf(kind, {
    // The same on all: MySQL takes LOAD DATA LOCAL only when configured to, and packets of 64 MiB.
    arguments: ['--max-connections=1000', '--local-infile=1', '--max-allowed-packet=16M'],
    // As each has it by default.
    performanceSchema: family === 'mysql',
  });
  const { host, port, socketPath, adminUser, adminPassword, caPath, caCertificate } = server;
  const version = await versionOf(server);
  project.provide('server', { host, port, socketPath, adminUser, adminPassword, caPath, caCertificate, kind, family, version });
  return () => server.stop();
}
