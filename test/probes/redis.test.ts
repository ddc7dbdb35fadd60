import { describe, expect, it } from 'vitest';
import { probeRedis } from '../../src/probes/redis.js';
import { freePort } from '../support/network/free-port.js';
import { startRedis } from '../support/servers/redis-server.js';
import { startScriptedServer } from './support/scripted-server.js';

const TIMEOUT_MS = 10_000;

/** What the probe reports of a server that answers with these lines, one for each command. */
async function reportOf(...lines: string[]): Promise<object> {
  await using server = await startScriptedServer(...lines.map((line) => Buffer.from(line)));
  return await probeRedis(`redis://:secret@${server.host}:${server.port}`, TIMEOUT_MS);
}

describe('the probe of a Redis', () => {
  it('finds its version', async () => {
    await using redis = await startRedis();
    const report = await probeRedis(redis.url, TIMEOUT_MS);
    expect(report).toMatchObject({ available: true, reason: 'ok', version: expect.stringMatching(/^\d+\.\d+/) as string });
    expect(report.message).toBe(`Redis ${report.version} at ${new URL(redis.url).host} answered`);
  });

  it('needs no version to be content', async () => {
    expect(await reportOf('+OK\r\n', '+PONG\r\n', '-NOPERM no INFO\r\n')).toMatchObject({ reason: 'ok', version: null });
  });

  it.each<[string, string[], string]>([
    ['a wrong password', ['-WRONGPASS invalid username-password pair\r\n'], 'auth'],
    ['an older Redis without one', ['-ERR Client sent AUTH, but no password is set\r\n'], 'auth'],
    ['an error to PING', ['+OK\r\n', '-LOADING the dataset\r\n'], 'refused'],
    ['another answer to PING', ['+OK\r\n', '+HELLO\r\n'], 'not-redis'],
    ['another protocol', ['HTTP/1.1 400 Bad Request\r\n'], 'not-redis'],
  ])('says what it found: %s', async (_, lines, reason) => {
    const report = await reportOf(...lines);
    expect(report).toMatchObject({ available: false, reason, version: null });
    expect(JSON.stringify(report)).not.toContain('secret');
  });

  it('does not wait for a server that is silent, and finds none where nothing listens', async () => {
    await using silent = await startScriptedServer();
    expect(await probeRedis(`redis://${silent.host}:${silent.port}`, 50)).toMatchObject({ reason: 'timeout' });
    expect(await probeRedis(`redis://127.0.0.1:${await freePort()}`, TIMEOUT_MS)).toMatchObject({ reason: 'refused' });
  });

  it.each(['http://host', 'redis://', 'redis://:secret%@host', 'secret', 'redis://a:p@s/secret@host', 'redis://a:p@s?secret@host'])(
    'refuses what is no such URL without showing it: %s',
    async (url) => {
      await expect(probeRedis(url, TIMEOUT_MS)).rejects.toThrow(TypeError);
      await expect(probeRedis(url, TIMEOUT_MS)).rejects.toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('secret') as string }) as Error,
      );
    },
  );
});
