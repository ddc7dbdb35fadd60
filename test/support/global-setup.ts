import type { TestProject } from 'vitest/node';
import { startMariaDb } from '../../src/demo/mariadb-server.js';

/** What test processes know of the MariaDB that they share; it lives in the main process of the run. */
export interface SharedMariaDb {
  readonly host: string;
  readonly port: number;
  readonly socketPath: string;
  readonly adminUser: string;
  readonly adminPassword: string;
  readonly caPath: string;
  readonly caCertificate: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    mariadb: SharedMariaDb;
  }
}

/** Starts one MariaDB for the whole run. Tests that stop, freeze or reconfigure a server start their own. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startMariaDb({ arguments: ['--max-connections=1000'] });
  const { host, port, socketPath, adminUser, adminPassword, caPath, caCertificate } = server;
  project.provide('mariadb', { host, port, socketPath, adminUser, adminPassword, caPath, caCertificate });
  return () => server.stop();
}
