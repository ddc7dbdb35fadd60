import { createConnection } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { type SilentTcpServer, startSilentTcpServer } from './silent-tcp-server.js';
import { waitFor } from '../wait-for.js';

function connectTo(server: SilentTcpServer): Promise<unknown> {
  return createConnection({ host: server.host, port: server.port, user: 'a', password: 'b', connectTimeout: 200 });
}

describe('a TCP server that is no MariaDB', () => {
  it('accepts and says nothing', async () => {
    await using server = await startSilentTcpServer();
    await expect(connectTo(server)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(server.accepted).toBe(1);
    expect(server.received).toHaveLength(0);
    await waitFor('the client to be gone', () => server.live === 0);
  });

  it('closes at once', async () => {
    await using server = await startSilentTcpServer('close');
    await expect(connectTo(server)).rejects.toMatchObject({ code: 'PROTOCOL_CONNECTION_LOST' });
  });

  it.each(['http', 'garbage'] as const)('speaks %s', async (manners) => {
    await using server = await startSilentTcpServer(manners);
    await expect(connectTo(server)).rejects.toThrow(/./u);
    expect(server.accepted).toBe(1);
  });

  it('frees its port when it is stopped, even with connected clients', async () => {
    const server = await startSilentTcpServer();
    const pending = connectTo(server).catch((error: { code?: string }) => error.code);
    await waitFor('the connection', () => server.live === 1);
    await server.stop();
    await server.stop();
    expect(await pending).toBe('PROTOCOL_CONNECTION_LOST');
    await expect(connectTo(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
