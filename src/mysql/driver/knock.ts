/** Knocks at a port or socket at which nothing listened, and keeps the connection that was accepted for the login that follows. */

import type { Socket } from 'node:net';
import { nodeNet } from '../../packages/index.js';
import type { ConnectionConfig } from './driver.js';

/** How long a connection may take to be accepted, and then wait for its login. */
const KEPT_MS = 1_000;

/** What a connection's configuration says of the way to the server, and a stream where there is one already. */
type Way = Pick<ConnectionConfig, 'host' | 'port' | 'socketPath' | 'stream' | 'enableKeepAlive' | 'keepAliveInitialDelay'>;

/**
 * Whether the failed connect found nothing that listens. Nothing but the kernel of the other side has answered, or nothing at all where a socket
 * is missing. So a server neither sees such a connect nor counts it.
 */
export function foundNothing(error: unknown, { socketPath }: Pick<Way, 'socketPath'>): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNREFUSED' || (code === 'ENOENT' && socketPath !== undefined);
}

/**
 * Connects without a login. What was accepted is not closed: MySQL and MariaDB count a connection that ends before its login against the host,
 * and refuse a host that has `max_connect_errors` of them in a row (MySQL reference manual, "DNS Lookups and the Host Cache").
 */
export class Knocker {
  #accepted: { readonly socket: Socket; readonly way: Way } | undefined = undefined;

  /** Knocks after an error that says that nothing listens. Not where the application makes the streams. */
  knockAfter(error: unknown, way: Way): Promise<boolean> | undefined {
    return way.stream === undefined && foundNothing(error, way) ? this.knock(way) : undefined;
  }

  /** Has a connection made that logs in on what was accepted, if there is something. */
  useFor<T>(config: Way & { stream?: unknown }, make: () => T): T {
    const accepted = this.take(config);
    if (accepted === undefined) return make();
    config.stream = accepted;
    const made = make();
    config.stream = undefined;
    return made;
  }

  /** Resolves with whether the connection was accepted. Does not reject. */
  knock(way: Way): Promise<boolean> {
    const { host, port, socketPath } = way;
    return new Promise((resolve) => {
      const { connect } = nodeNet();
      const socket = socketPath === undefined ? connect(port, host) : connect(socketPath);
      socket.setTimeout(KEPT_MS, () => socket.destroy());
      // Who waits keeps the process alive.
      socket.unref();
      socket.once('connect', () => {
        // As mysql2 sets up its own.
        if (socketPath === undefined) {
          if (way.enableKeepAlive) socket.setKeepAlive(true, way.keepAliveInitialDelay);
          socket.setNoDelay(true);
        }
        this.#accepted?.socket.destroy();
        this.#accepted = { socket, way };
        resolve(true);
      });
      socket.once('error', () => resolve(false));
      socket.once('close', () => {
        if (this.#accepted?.socket === socket) this.#accepted = undefined;
        resolve(false);
      });
    });
  }

  /** The connection that was accepted and leads the same way, if it is still open: for one login. */
  take({ host, port, socketPath }: Way): Socket | undefined {
    const accepted = this.#accepted;
    if (accepted === undefined) return undefined;
    this.#accepted = undefined;
    const { socket, way } = accepted;
    if (socket.destroyed || socket.readableEnded || way.host !== host || way.port !== port || way.socketPath !== socketPath) {
      socket.destroy();
      return undefined;
    }
    socket.removeAllListeners();
    socket.setTimeout(0);
    return socket;
  }
}
