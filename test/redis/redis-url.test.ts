import { describe, expect, it } from 'vitest';
import { parseRedisUrl, sentinelLogin } from '../../src/redis/redis-url.js';

describe('a URL of Redis', () => {
  it('names one server, with what is left out filled in', () => {
    expect(parseRedisUrl({ url: 'redis://' })).toMatchObject({
      kind: undefined,
      nodes: [{ host: '127.0.0.1', port: 6379 }],
      path: '',
      shared: {},
    });
    expect(parseRedisUrl({ url: 'redis://app:p%40ss@redis.example:7000/3' })).toMatchObject({
      nodes: [{ host: 'redis.example', port: 7000 }],
      path: '3',
      shared: { username: 'app', password: 'p@ss' },
    });
    expect(parseRedisUrl({ url: 'redis://[::1]:7000' }).nodes).toEqual([{ host: '::1', port: 7000 }]);
    expect(parseRedisUrl({ url: 'redis://:secret@host' }).shared).toEqual({ password: 'secret' });
  });

  it('names the nodes of a cluster, or the sentinels and their master', () => {
    expect(parseRedisUrl({ url: 'redis+cluster://a:1,b,[::1]:3' })).toMatchObject({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 6379 },
        { host: '::1', port: 3 },
      ],
    });
    const sentinels = parseRedisUrl({ url: 'rediss+sentinel://app:x@a,b:2/main%2Fone?db=4&sentinelPassword=y' });
    expect(sentinels).toMatchObject({
      kind: 'sentinel',
      nodes: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 2 },
      ],
      path: 'main/one',
      shared: { username: 'app', password: 'x', tls: {} },
    });
    expect(sentinels.parameters.get('db')).toBe('4');
    expect(sentinelLogin(sentinels.parameters)).toEqual({ password: 'y' });
    expect(sentinelLogin(new URLSearchParams('sentinelUsername=u'))).toEqual({ username: 'u' });
  });

  it('gives way to what the options say, and speaks TLS as they say', () => {
    const tls = { ca: 'certificate' };
    expect(parseRedisUrl({ url: 'rediss://a:b@host', username: 'c', password: 'd', tls }).shared).toEqual({
      username: 'c',
      password: 'd',
      tls,
    });
  });

  it.each([
    ['http://host', 'must be a URL that begins with redis://'],
    ['redis:host', 'must be a URL that begins with redis://'],
    ['redis://a,b', 'one host'],
    ['redis+sentinel://a', 'the name of the master'],
    ['redis://host/main', 'a number of a database'],
    ['redis://host:port', 'hosts as host:port'],
    ['redis://:secret%@host', 'percent-encoded credentials'],
    ['redis://a:p@secret@host', 'percent-encoded credentials'],
    ['redis://a:p@s/secret@host', 'percent-encoded credentials'],
    ['redis+cluster://a:p@s/secret@host', 'percent-encoded credentials'],
    ['redis://host?secret@x=1', 'hosts as host:port'],
    ['redis://host?db=2', 'no parameters'],
    ['rediss://host?secret=none', 'no parameters'],
    ['redis+cluster://host/2', 'no database'],
    ['redis+sentinel://host/main?sentinelPasswort=secret', 'no parameters but db, sentinelUsername, sentinelPassword'],
    ['redis+sentinel://host/main?sentinelPassword=secret&sentinelPassword=secret2', 'each parameter once'],
    ['redis+sentinel://host/main?db=secret', 'a number as db'],
    ['redis://host:99999', 'hosts as host:port'],
  ])('is refused without being shown: %s', (url, message) => {
    const thrown = (): unknown => parseRedisUrl({ url });
    expect(thrown).toThrow(
      expect.objectContaining({ code: 'POOL_OPTION_INVALID', message: expect.stringContaining(message) as string }) as Error,
    );
    expect(thrown).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') as string }) as Error);
  });

  it('without TLS is refused TLS options: they would do nothing', () => {
    expect(() => parseRedisUrl({ url: 'redis://host', tls: {} })).toThrow(/the scheme rediss/);
  });
});
