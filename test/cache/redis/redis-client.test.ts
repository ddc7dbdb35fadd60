import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createQueryCache } from '../../../src/cache/index.js';
import { createCertificateAuthority } from '../../../src/demo/certificates.js';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { freePort } from '../../support/network/free-port.js';
import { startRedis } from '../../support/servers/redis-server.js';
import type { RestartableServer } from '../../support/servers/restartable-server.js';
import { startRedisCluster, startSentinel, startSentinelGroup } from '../../support/servers/redis-topologies.js';
import { waitFor } from '../../support/wait-for.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import { type CachedPool, nameOf, openCachedPool } from '../support/cached-pool.js';

const RENAME = 'UPDATE users SET name = ? WHERE id = ?';

/** Lets two processes share values, and one rename a user. Returns the name that the other hears. */
async function nameThatIsHeard(fixture: CachedPool): Promise<unknown> {
  const { pool, cache } = fixture;
  const other = await fixture.other();
  const { redis: before } = cache.stats().stores;
  const readAll = async (from: Pool): Promise<void> => {
    for (let id = 1; id <= 10; id += 1) expect(await nameOf(from, id)).toBe(`user${id}`);
  };
  // On a busy machine a cache may lack its proof for a moment, in which it neither stores nor serves.
  await waitFor('the stores', async () => {
    await readAll(pool);
    return cache.stats().stores.redis - before >= 10;
  });
  await waitFor('the other to have values from Redis', async () => {
    await readAll(other.pool);
    return other.cache.stats().hits.redis > 0;
  });
  await pool.query(RENAME, ['new', 1]);
  return await waitFor(
    'the other to hear',
    () => nameOf(other.pool, 1),
    (name) => name === 'new',
  );
}

describe('the Redis tier', () => {
  it('works over a cluster', async () => {
    await using cluster = await startRedisCluster();
    await using fixture = await openCachedPool({ redis: cluster.url });
    expect(await nameThatIsHeard(fixture)).toBe('new');
  });

  it('follows Sentinel to the new master, and serves nothing of the old one', async () => {
    await using group = await startSentinelGroup();
    await using fixture = await openCachedPool({ redis: group.url });
    const { pool, cache, database } = fixture;
    expect(await nameThatIsHeard(fixture)).toBe('new');
    const old = await group.masterPort();
    const { breaks } = cache.stats().redis as { breaks: number };
    await group.servers.find(({ port }) => port === old)?.kill('SIGKILL');
    await pool.query(RENAME, ['unheard', 2]);
    expect(await nameOf(pool, 2)).toBe('unheard');
    await waitFor(
      'the fail-over',
      () => group.masterPort(),
      (port) => port !== old,
    );
    await waitFor(
      'the cache to serve again',
      () => cache.stats().redis,
      (stats) => stats?.live === true && stats.breaks > breaks,
    );
    // What was cached before is not known any more.
    await database.admin(RENAME, ['after', 3]);
    expect(await nameOf(pool, 3)).toBe('after');
    await pool.query(RENAME, ['later', 1]);
    expect(await nameOf(pool, 1)).toBe('later');
  });

  it('serves while most sentinels name its master, and not while it cannot know', async () => {
    await using group = await startSentinelGroup({ sentinels: 3 });
    await using fixture = await openCachedPool({ redis: group.url });
    const { pool, cache } = fixture;
    const isLive = (): boolean => cache.stats().redis?.live === true;
    const [one, two] = group.sentinels as [RestartableServer, RestartableServer];
    await one.kill('SIGSTOP');
    // Longer than what was said before it stood still counts.
    await setTimeout(2_000);
    await waitFor('the cache to serve anyway', isLive);
    await two.kill('SIGKILL');
    await waitFor('the proof to end', () => !isLive());
    await pool.query(RENAME, ['new', 1]);
    expect(await nameOf(pool, 1)).toBe('new');
    expect(cache.stats().bypassed).toBeGreaterThan(0);
    await two.restart();
    await waitFor('the cache to serve again', () => isLive() && cache.stats().redis?.backlog === 0);
    await one.kill('SIGCONT');
  });

  it('works over TLS, as a user with a password, and shows neither', async () => {
    await using folder = createTemporaryFolder('poolwright-redis-tls');
    const authority = await createCertificateAuthority(folder.path);
    const { certificatePath, keyPath } = await authority.issue({
      name: 'redis',
      commonName: 'localhost',
      hosts: ['localhost', '127.0.0.1'],
    });
    const tlsPort = await freePort('127.0.0.1');
    await using _redis = await startRedis({
      arguments: [
        `--tls-port ${tlsPort} --tls-cert-file ${certificatePath} --tls-key-file ${keyPath} --tls-auth-clients no`,
        '--user default off --user cache on >p@ss:word/ ~app:* ~{app}:* +@all -@dangerous +info',
      ].flatMap((settings) => settings.split(' ')),
    });
    const ca = readFileSync(authority.certificatePath);
    await using fixture = await openCachedPool({
      redis: { url: `rediss://cache:${encodeURIComponent('p@ss:word/')}@localhost:${tlsPort}`, tls: { ca } },
      prefix: 'app',
    });
    expect(await nameThatIsHeard(fixture)).toBe('new');
    const untrusting = createQueryCache({ redis: `rediss://cache:${encodeURIComponent('p@ss:word/')}@localhost:${tlsPort}` });
    try {
      expect(await untrusting.wrap('x', async () => 5)).toBe(5);
      expect(untrusting.stats()).toMatchObject({ bypassed: 1, redis: { live: false } });
      expect(JSON.stringify(untrusting.stats())).not.toContain('p@ss');
    } finally {
      untrusting.close();
    }
  });

  it('speaks TLS with the sentinels and with the master that they name', async () => {
    await using folder = createTemporaryFolder('poolwright-redis-tls');
    const authority = await createCertificateAuthority(folder.path);
    const { certificatePath, keyPath } = await authority.issue({ name: 'redis', commonName: 'localhost', hosts: ['127.0.0.1'] });
    const tls = {
      'tls-cert-file': certificatePath,
      'tls-key-file': keyPath,
      'tls-ca-cert-file': authority.certificatePath,
      'tls-auth-clients': 'no',
    };
    const [redisPort, sentinelPort] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
    await using _redis = await startRedis({
      arguments: Object.entries({ ...tls, 'tls-port': String(redisPort) }).flatMap(([name, value]) => [`--${name}`, value]),
    });
    await using _sentinel = await startSentinel(redisPort, 1, { ...tls, 'tls-port': String(sentinelPort), 'tls-replication': 'yes' });
    const ca = readFileSync(authority.certificatePath);
    await using fixture = await openCachedPool({ redis: { url: `rediss+sentinel://127.0.0.1:${sentinelPort}/main`, tls: { ca } } });
    expect(await nameThatIsHeard(fixture)).toBe('new');
  });

  it.each([
    ['http://host', /begins with redis:/],
    ['redis://one,two', /one host, or the scheme/],
    ['redis+sentinel://one', /name of the master/],
    ['redis://host/first', /number of a database/],
    ['redis://:sesame%zz@host', /percent-encoded/],
  ])('refuses %s', (redis, message) => {
    expect(() => createQueryCache({ redis })).toThrow(
      expect.objectContaining({ code: 'POOL_OPTION_INVALID', message: expect.stringMatching(message) as string }),
    );
    expect(() => createQueryCache({ redis })).not.toThrow(/sesame/);
  });
});
