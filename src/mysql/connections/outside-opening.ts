/** A connection that a data layer opens: what it makes with mysql2's `createConnection` meanwhile belongs to the pool. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { ignore } from '../../engine/waiting/index.js';
import type { Opener } from '../contract/index.js';
import { type ConnectionConfig, connectionConfig, type ConnectionOptions, hideSecrets, ListenersSetUp } from '../driver/index.js';
import { connectionLost } from '../commands/index.js';
import type { ManagedConnection } from './managed-connection.js';
import type { ConnectionOwner } from './observed-connection.js';

type Make = (config: ConnectionConfig, owner: ConnectionOwner) => ManagedConnection;

/** Where an opening is under way, makes one of its connections. */
const openings = new AsyncLocalStorage<(options: unknown) => ManagedConnection>();

/** What stands in for mysql2's `createConnection` while a data layer opens a connection for a pool; nothing elsewhere. */
export function connectionForOpening(options: unknown): ManagedConnection | undefined {
  return openings.getStore()?.(options);
}

/** What the data layer returned was not made by this mysql2's `createConnection`: a pool cannot manage it. */
export class StrangeConnection extends Error {
  /** @param connection what was returned */
  constructor(readonly connection: unknown) {
    super('The connection was not made by createConnection of the mysql2 that the pool manages.');
  }
}

/**
 * Has a data layer open a connection. What it runs on it before it hands it over is part of what every borrower finds, as a listener's work is.
 *
 * @param signal gives up: the connection is cut off
 * @throws StrangeConnection, and what the data layer throws
 */
export async function openOutside(opener: Opener, signal: AbortSignal, owner: ConnectionOwner, make: Make): Promise<ManagedConnection> {
  const made: ManagedConnection[] = [];
  const setUp = new ListenersSetUp();
  let opened: unknown;
  const create = (options: unknown): ManagedConnection => {
    const concerns = (): boolean => connection === (opened ?? made.at(-1));
    // A data layer may make others meanwhile, for itself: they are not the pool's.
    const connection = make(configFrom(options), {
      ...owner,
      lost: (error) => (concerns() ? owner.lost(error) : undefined),
      isLent: () => concerns() && owner.isLent(),
      answered: (error, readOnlyAsked) => concerns() && owner.answered(error, readOnlyAsked),
    });
    if (made.length === 0) connection.setUpByListeners = setUp;
    made.push(connection);
    return connection;
  };
  const stop = (): void => made.at(-1)?.terminate(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const given = await openings.run(create, () => setUp.run(() => opener.open()));
    const connection = made.find((one) => one === given);
    if (connection === undefined) throw new StrangeConnection(given);
    opened = connection;
    signal.throwIfAborted();
    if (!connection.alive) throw connection._fatalError ?? connection._protocolError ?? connectionLost();
    return connection;
  } catch (error) {
    if (error instanceof StrangeConnection) opener.close(error.connection).catch(ignore);
    else made.at(-1)?.terminate();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function configFrom(options: unknown): ConnectionConfig {
  const config = hideSecrets(connectionConfig(options as ConnectionOptions));
  // As in every pool: the stack at each call is captured only where that is asked for.
  config.trace = (options as ConnectionOptions | undefined)?.trace === true;
  // `end` is the end of it, not a way to give it back.
  config.gracefulEnd = true;
  return config;
}
