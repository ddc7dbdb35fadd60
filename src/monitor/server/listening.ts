/** Lets the monitoring server listen, and says in words why it cannot. */

import type { FastifyInstance } from 'fastify';
import { messageOf } from '../../engine/index.js';
import { inRootContext } from '../../engine/waiting/index.js';

/** A monitoring server that listens. Disposing of it closes it. */
export interface MonitoringServer extends AsyncDisposable {
  /** For example 'http://127.0.0.1:9464', without a slash at the end. */
  readonly url: string;
  /** Where it listens. */
  readonly address: { readonly host: string; readonly port: number };
  /** Stops listening and ends all connections, idle or not. Later calls do nothing. */
  close(): Promise<void>;
}

/** Where to listen. */
interface Place {
  readonly host: string;
  readonly port: number;
}

/** Lets a server listen. @throws Error with the system's code, for example `EADDRINUSE`; the server is closed then */
export async function listen(app: FastifyInstance, place: Place): Promise<MonitoringServer> {
  const { host, port } = place;
  try {
    // What it serves is no part of the work that it was started in.
    await inRootContext(async () => await app.listen({ host, port }));
  } catch (error) {
    await app.close();
    throw cannotListen(error, place);
  }
  const listening = portOf(app);
  const close = async (): Promise<void> => {
    await app.close();
  };
  return {
    url: `http://${hostOfUrl(host)}:${listening}`,
    address: Object.freeze({ host, port: listening }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function cannotListen(cause: unknown, { host, port }: Place): Error {
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  const reason = code === 'EADDRINUSE' ? 'another program listens there; choose another port, or 0 for a free one' : messageOf(cause);
  return Object.assign(new Error(`The monitoring server cannot listen on ${hostOfUrl(host)}:${port}: ${reason}.`, { cause }), { code });
}

/** Precondition: it listens. */
function portOf(app: FastifyInstance): number {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('bug: a server that listens has no port');
  return address.port;
}

/** No client can connect to the address that means all of them. */
function hostOfUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
