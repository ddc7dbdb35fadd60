import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { foundNothing, Knocker } from '../../../src/mysql/driver/knock.js';
import { freePort } from '../../support/network/free-port.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { codeOf } from '../../faults/support/fault.js';
import { poolOf } from '../../support/pool-on-database.js';
import { createDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';

const keepAlive = { enableKeepAlive: true, keepAliveInitialDelay: 0 };

async function listening(where: number | string): Promise<{ readonly sockets: Socket[]; stop(): Promise<void> }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  server.listen(where);
  await once(server, 'listening');
  return {
    sockets,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

it('a knock finds nothing, then what listens, and gives its connection to one login', async () => {
  const port = await freePort();
  const way = { host: '127.0.0.1', port, ...keepAlive };
  const knocker = new Knocker();
  expect(await knocker.knock(way)).toBe(false);
  expect(knocker.take(way)).toBeUndefined();
  const server = await listening(port);
  expect(await knocker.knock(way)).toBe(true);
  const socket = knocker.take(way) as Socket;
  expect(knocker.take(way)).toBeUndefined();
  await waitFor('the connection', () => server.sockets.length === 1);
  server.sockets[0]?.write('greeting');
  expect(String((await once(socket, 'data'))[0])).toBe('greeting');
  socket.destroy();
  await server.stop();
});

it('a connection that leads elsewhere is given to no login, and closed', async () => {
  const port = await freePort();
  const way = { host: '127.0.0.1', port, ...keepAlive };
  const server = await listening(port);
  const knocker = new Knocker();
  await knocker.knock(way);
  await waitFor('the connection', () => server.sockets.length === 1);
  const closed = new Promise((resolve) => server.sockets[0]?.resume().once('close', resolve));
  expect(knocker.take({ ...way, host: 'localhost' })).toBeUndefined();
  await closed;
  await server.stop();
});

it('a socket that is missing is nothing that listens; a path through a folder that is missing is no such thing for TCP', async () => {
  const folder = createTemporaryFolder('knock');
  const socketPath = join(folder.path, 's');
  const way = { host: 'localhost', port: 0, socketPath, ...keepAlive };
  const knocker = new Knocker();
  expect(await knocker.knock(way)).toBe(false);
  expect(foundNothing({ code: 'ENOENT' }, way)).toBe(true);
  expect(foundNothing({ code: 'ENOENT' }, {})).toBe(false);
  expect(foundNothing({ code: 'ECONNREFUSED' }, {})).toBe(true);
  expect(
    ['ECONNRESET', 'ETIMEDOUT', 'PROTOCOL_CONNECTION_LOST', 'ER_ACCESS_DENIED_ERROR'].some((code) => foundNothing({ code }, way)),
  ).toBe(false);
  const server = await listening(socketPath);
  expect(await knocker.knock(way)).toBe(true);
  knocker.take(way)?.destroy();
  await server.stop();
  await folder.remove();
});

it('I6: a pool whose server is back makes one connection, and logs in on it: the server sees none that ends before its login', async () => {
  await using database = await createDatabase();
  const { host, port } = database.connection;
  await using proxy = await startTcpProxy({ host, port });
  await using pool = poolOf(database, { host: proxy.host, port: proxy.port, connectionLimit: 3 });
  for (let round = 0; round < 3; round += 1) {
    proxy.refuse();
    proxy.reset();
    await waitFor('the end of the connections', () => pool.stats().total === 0);
    await waitFor('the breaker', async () => (await codeOf(pool.query('SELECT 1'))) === 'POOL_BREAKER_OPEN');
    const before = proxy.accepted;
    await proxy.accept();
    await waitFor('an answer', async () => (await codeOf(pool.query('SELECT 1 AS one'))) === 'ok');
    expect(proxy.accepted - before).toBe(1);
  }
});
