import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createConnection } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { createDatabase } from '../servers/database.js';
import { freePort } from './free-port.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { waitFor } from '../wait-for.js';

interface EchoServer extends AsyncDisposable {
  readonly port: number;
  /** The server's side of each connection, in order of arrival. */
  readonly sockets: readonly Socket[];
}

/** Sends back what it is sent. */
async function startEchoServer(): Promise<EchoServer> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

interface EchoClient {
  readonly socket: Socket;
  /** All that has come back. */
  readonly text: () => string;
  /** How the connection ended: `end` (FIN), an error code, or nothing yet. */
  readonly ending: () => string | undefined;
}

function connectClient(proxy: TcpProxy): EchoClient {
  const socket = connect(proxy.port, proxy.host);
  let text = '';
  let ending: string | undefined;
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  socket.on('end', () => (ending ??= 'end'));
  socket.on('error', (error: NodeJS.ErrnoException) => (ending ??= error.code));
  return { socket, text: () => text, ending: () => ending };
}

async function say(client: EchoClient, words: string): Promise<void> {
  const before = client.text().length;
  client.socket.write(words);
  await waitFor(
    `the echo of ${words}`,
    () => client.text().slice(before),
    (echo) => echo === words,
  );
}

/** For what must not happen: there is no event to wait for. */
function aWhile(milliseconds = 80): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

describe('a TCP proxy', () => {
  it('passes bytes and the ends of connections on, and counts them', async () => {
    await using server = await startEchoServer();
    await using proxy = await startTcpProxy(server);
    const client = connectClient(proxy);
    const other = connectClient(proxy);

    await say(client, 'hello');
    await say(other, 'you');
    expect(proxy).toMatchObject({ accepted: 2, live: 2, bytes: { toServer: 8, toClient: 8 } });

    client.socket.end();
    await waitFor(
      'the connection to close',
      () => proxy.live,
      (live) => live === 1,
    );
    await waitFor('the client to learn of it', () => client.ending());
    expect(client.ending()).toBe('end');
    other.socket.resetAndDestroy();
    await waitFor('the reset to reach the server', () => server.sockets[1]?.destroyed);
    await waitFor('both connections to be gone', () => proxy.live === 0);
    expect(proxy).toMatchObject({ accepted: 2, live: 0 });
  });

  it('passes megabytes on unchanged, without holding them all', async () => {
    await using server = await startEchoServer();
    await using proxy = await startTcpProxy(server);
    const sent = Buffer.alloc(8 << 20, 'poolwright');
    const socket = connect(proxy.port, proxy.host);
    const received: Buffer[] = [];
    socket.on('data', (chunk) => received.push(chunk));

    socket.end(sent);
    await once(socket, 'end');

    expect(Buffer.concat(received).equals(sent)).toBe(true);
  });

  it('is a black hole while it is paused: for data, for the end of connections and for new ones', async () => {
    await using server = await startEchoServer();
    await using proxy = await startTcpProxy(server);
    const open = connectClient(proxy);
    const ended = connectClient(proxy);
    await say(open, 'before');
    await say(ended, 'before');

    proxy.pause();
    open.socket.write('lost');
    server.sockets[1]?.end();
    const late = connectClient(proxy);
    late.socket.write('late');
    await aWhile();
    expect([open.text(), open.ending(), ended.ending(), late.text(), late.ending()]).toEqual([
      'before',
      undefined,
      undefined,
      '',
      undefined,
    ]);
    expect(open.socket.readyState).toBe('open');
    expect(late.socket.readyState).toBe('open');
    expect(server.sockets).toHaveLength(2);

    proxy.resume();
    await waitFor(
      'what was held back',
      () => [open.text(), late.text(), ended.ending()].join(),
      (all) => all === 'beforelost,late,end',
    );
  });

  it('resets connections on both sides', async () => {
    await using server = await startEchoServer();
    await using proxy = await startTcpProxy(server);
    const client = connectClient(proxy);
    await say(client, 'hello');

    proxy.reset();

    await waitFor('the end', client.ending);
    expect(client.ending()).toBe('ECONNRESET');
    await waitFor('the end on the other side', () => server.sockets[0]?.destroyed);
    expect(server.sockets[0]?.errored).toMatchObject({ code: 'ECONNRESET' });
    await say(connectClient(proxy), 'again');
  });

  it('closes connections on both sides, without a reset', async () => {
    await using server = await startEchoServer();
    await using proxy = await startTcpProxy(server);
    const client = connectClient(proxy);
    await say(client, 'hello');

    proxy.close();

    await waitFor('the end', client.ending);
    expect(client.ending()).toBe('end');
    await waitFor('the end on the other side', () => server.sockets[0]?.destroyed);
    expect(server.sockets[0]?.errored).toBeNull();
    expect(proxy.live).toBe(0);
  });

  it('cuts connections off after so many bytes, once', async () => {
    await using server = await startEchoServer();
    await using proxy = await startTcpProxy(server);
    const client = connectClient(proxy);
    await say(client, 'whole');
    proxy.cutAfter(3);
    client.socket.write('cut off');
    await waitFor('the end', client.ending);
    expect([client.text(), client.ending()]).toEqual(['wholecut', 'end']);
    await say(connectClient(proxy), 'whole again');
  });

  it('listens where the options say', async () => {
    await using server = await startEchoServer();
    await using first = await startTcpProxy(server);
    await using second = await startTcpProxy({ ...server, listen: { host: '127.0.0.2', port: first.port } });
    expect(second).toMatchObject({ host: '127.0.0.2', port: first.port });
    await say(connectClient(second), 'hello');
    expect([first.accepted, second.accepted]).toEqual([0, 1]);
  });

  it('refuses new connections, and only those, until it accepts again on the same port', async () => {
    await using server = await startEchoServer();
    await using proxy = await startTcpProxy(server);
    const open = connectClient(proxy);
    await say(open, 'hello');

    proxy.refuse();
    const refused = connectClient(proxy);
    await waitFor('the refusal', refused.ending, (ending) => ending === 'ECONNREFUSED');
    await say(open, 'still here');

    await proxy.accept();
    await proxy.accept();
    await say(connectClient(proxy), 'back');
    await say(open, 'and I');
    expect(proxy.accepted).toBe(2);
  });

  it('resets a client when the server refuses', async () => {
    await using proxy = await startTcpProxy({ port: await freePort() });
    const client = connectClient(proxy);
    await waitFor('the end', client.ending);
    expect(client.ending()).toBe('ECONNRESET');
  });

  it('delays each way, and keeps the order when the delay changes', async () => {
    await using server = await startEchoServer();
    await using proxy = await startTcpProxy(server);
    const client = connectClient(proxy);
    await say(client, 'at once');

    proxy.delay(60);
    const start = performance.now();
    await say(client, 'a round trip');
    expect(performance.now() - start).toBeGreaterThanOrEqual(119);

    client.socket.write('first ');
    await waitFor('the first words to be in the proxy', () => proxy.bytes.toServer > 19);
    proxy.delay(0);
    client.socket.write('second');
    await waitFor('both', () => client.text().endsWith('first second'));
  });

  it('drips', async () => {
    await using server = await startEchoServer();
    await using proxy = await startTcpProxy(server);
    const client = connectClient(proxy);
    await say(client, 'fast');

    proxy.drip(200);
    const start = performance.now();
    client.socket.write('x'.repeat(40));
    await waitFor('all of it', () => client.text().length === 44);
    expect(performance.now() - start).toBeGreaterThanOrEqual(180);

    proxy.drip(undefined);
    await say(client, 'y'.repeat(10_000));
  });

  it('loses one direction only when it is half-open', async () => {
    await using server = await startEchoServer();
    await using proxy = await startTcpProxy(server);
    const client = connectClient(proxy);
    await say(client, 'hello');

    proxy.drop('toClient');
    client.socket.write('heard');
    await waitFor(
      'the server to hear it',
      () => server.sockets[0]?.bytesRead,
      (bytes) => bytes === 10,
    );
    server.sockets[0]?.resetAndDestroy();
    await aWhile();
    expect([client.text(), client.ending()]).toEqual(['hello', undefined]);
    expect(client.socket.readyState).toBe('open');
    expect(proxy.live).toBe(1);

    proxy.drop('toServer');
    const other = connectClient(proxy);
    other.socket.write('unheard');
    await waitFor('the connection to reach the server', () => server.sockets.length === 2);
    await aWhile();
    expect(server.sockets[1]?.bytesRead).toBe(0);

    proxy.drop(undefined);
    await say(other, 'heard again');
  });

  it('leaves no socket and no port when it is stopped', async () => {
    await using server = await startEchoServer();
    const proxy = await startTcpProxy(server);
    const client = connectClient(proxy);
    await say(client, 'hello');
    proxy.drop('toClient');
    proxy.pause();

    await proxy.stop();
    await proxy.stop();

    expect(proxy.live).toBe(0);
    await waitFor('the reset', client.ending);
    const refused = connectClient(proxy);
    await waitFor('the refusal', refused.ending, (ending) => ending === 'ECONNREFUSED');
  });

  it('carries MariaDB', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy(database);
    await using connection = await createConnection({ ...database.connection, port: proxy.port });
    const [rows] = await connection.query('SELECT REPEAT("x", 100000) AS text');
    expect(rows).toEqual([{ text: 'x'.repeat(100_000) }]);

    const pending = connection.query('SELECT SLEEP(5)');
    await waitFor(
      'the query to run',
      async () => (await database.processlist())[0]?.info,
      (info) => info === 'SELECT SLEEP(5)',
    );
    proxy.reset();
    await expect(pending).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});
