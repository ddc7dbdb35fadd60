import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A port at which connections are neither accepted nor refused: what is sent there is dropped, as behind a firewall. */
export interface BlackHole extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/** Listens, reports the port, and is then stopped: nothing accepts. */
const LISTENER = `
const server = require('node:net').createServer();
server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => process.stdout.write(String(server.address().port)));
`;

/** How long a connection may take that the kernel still accepts, on a machine that is busy. */
const ACCEPT_MS = 1_000;

/**
 * A listener that is frozen, with its queue of connections full: Linux drops further attempts without a word.
 *
 * @throws Error when the system keeps accepting
 */
export async function openBlackHole(): Promise<BlackHole> {
  const listener = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(listener.stdout, 'data')) as [Buffer];
  const at = { host: '127.0.0.1', port: Number(port.toString()) };
  listener.kill('SIGSTOP');
  const sockets: Socket[] = [];
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    listener.kill('SIGKILL');
    if (listener.exitCode === null && listener.signalCode === null) await once(listener, 'exit');
  };
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const socket = connect(at);
    socket.on('error', () => undefined);
    sockets.push(socket);
    const accepted = await once(socket, 'connect', { signal: AbortSignal.timeout(ACCEPT_MS) }).then(
      () => true,
      () => false,
    );
    if (!accepted) return { ...at, [Symbol.asyncDispose]: close };
  }
  await close();
  throw new Error('The system accepts more connections than the queue of a listener that is frozen should hold.');
}
