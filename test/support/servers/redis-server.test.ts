import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { processExists } from '../process-exists.js';
import { type RedisServer, startRedis } from './redis-server.js';

async function ask(server: RedisServer, command: string): Promise<string> {
  const socket = connect(server.port, server.host);
  socket.write(`${command}\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString().trim();
}

describe('a private Redis', () => {
  it('serves, and is empty on the same port after SIGKILL and a restart', async () => {
    await using server = await startRedis();
    expect(await ask(server, 'SET key value')).toBe('+OK');
    expect(await ask(server, 'EXISTS key')).toBe(':1');
    const { pid } = server;

    await server.kill('SIGKILL');
    expect(processExists(pid)).toBe(false);
    await expect(ask(server, 'PING')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.restart();

    expect(await ask(server, 'EXISTS key')).toBe(':0');
  });

  it('leaves neither process nor folder behind', async () => {
    const server = await startRedis();
    const folder = (await ask(server, 'CONFIG GET dir')).split('\r\n').at(-1) ?? '';
    expect(existsSync(folder)).toBe(true);

    await server.stop();
    await server.stop();

    expect(processExists(server.pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  it('may ask for a password', async () => {
    await using server = await startRedis({ arguments: ['--requirepass', 'secret'] });
    expect(await ask(server, 'GET key')).toContain('NOAUTH');
  });

  it('says why it does not start', async () => {
    await expect(startRedis({ arguments: ['--no-such-option', 'x'] })).rejects.toThrow(/Redis did not start.*no-such-option/su);
  });
});
