import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { requireExecutable } from '../../../src/demo/find-executable.js';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { freePort } from '../network/free-port.js';
import { type RestartableServer, startRestartableServer } from './restartable-server.js';

/** A private Redis, in memory only: a restart flushes it. */
export interface RedisServer extends RestartableServer {
  readonly host: string;
  readonly port: number;
  readonly url: string;
}

/** How to start a private Redis. */
export interface RedisOptions {
  /** More arguments for `redis-server`; they win over the ones given here. */
  readonly arguments?: readonly string[];
}

const HOST = '127.0.0.1';
const ATTEMPT_TIMEOUT_MS = 1_000;

/** Whether a Redis, or one of its kind, answers on this port. */
export async function answersPing(port: number): Promise<boolean> {
  const socket = connect({ host: HOST, port });
  try {
    socket.write('PING\r\n');
    const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS) })) as [Buffer];
    // With a password set, Redis answers that it wants it: it is up anyway.
    return /^(?:\+PONG|-NOAUTH)/u.test(answer.toString('latin1'));
  } finally {
    socket.destroy();
  }
}

/**
 * Starts a Redis of its own on a free loopback port.
 *
 * @throws Error when it is not installed (naming the package) or does not start (with the end of its log).
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const command = await requireExecutable('redis-server', ['redis-server']);
  const folder = createTemporaryFolder('poolwright-redis');
  const port = await freePort(HOST);
  const settings = ['--bind', HOST, '--port', String(port), '--dir', folder.path, '--save', '', '--appendonly', 'no'];
  const server = await startRestartableServer({
    name: 'Redis',
    folder,
    process: { command, arguments: [...settings, ...(options.arguments ?? [])], logPath: join(folder.path, 'redis.log'), cwd: folder.path },
    stopSignal: 'SIGTERM',
    isReady: () => answersPing(port),
  });
  return Object.assign(server, { host: HOST, port, url: `redis://${HOST}:${port}` });
}
