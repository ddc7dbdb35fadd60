import { inject, type TestContext } from 'vitest';
import type { PrivateServer, PrivateServerOptions } from '../../../src/demo/private-server.js';
import type { SharedServer } from '../global-setup.js';
import { DIFFERENCES, type DifferenceName } from './differences.js';
import { chosenKind, type ServerKind, startServerOf } from './kinds.js';

/** What kind of server this run is on. */
export function thisServer(): Pick<SharedServer, 'kind' | 'family' | 'version'> {
  const { kind, family, version } = inject('server');
  return { kind, family, version };
}

/** Starts a server of the kind that this run is on, which the test may stop, freeze or reconfigure. */
export function startServer(options?: PrivateServerOptions): Promise<PrivateServer> {
  return startServerOf(chosenKind(), options);
}

/** Whether the server of this run is one of those that the row of the table names. */
export function differs(name: DifferenceName): boolean {
  const servers: readonly ServerKind[] = DIFFERENCES[name].servers;
  return servers.includes(chosenKind());
}

/** Leaves the test out of runs on servers without what the row says; the end of the run says so, in the row's words. */
export function onlyWhere({ skip }: Pick<TestContext, 'skip'>, name: DifferenceName | undefined): void {
  if (name !== undefined) skip(!differs(name), DIFFERENCES[name].sentence);
}

/** An administrator's statement that counts who waits for a lock, as `count`. MySQL shows it where it gathers what it does. */
export function lockWaitsStatement(): string {
  return `SELECT COUNT(*) AS count FROM ${differs('dataLockWaits') ? 'performance_schema.data_lock_waits' : 'information_schema.INNODB_LOCK_WAITS'}`;
}

/** The statement that makes this run's server read its certificates again. */
export function reloadTlsStatement(): string {
  return differs('flushSsl') ? 'FLUSH SSL' : 'ALTER INSTANCE RELOAD TLS';
}

/** The argument with which this run's server offers no TLS. */
export function withoutTls(): string {
  return differs('skipSsl') ? '--skip-ssl' : '--tls-version=';
}
