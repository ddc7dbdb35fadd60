import { createConnection } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { fetchedVersions } from '../../../scripts/servers/fetch.mjs';
import { connectionId, valueOf } from '../pool-on-database.js';
import { createDatabase } from '../servers/database.js';
import { startHaProxy } from './haproxy.js';
import { startMySqlRouter } from './mysql-router.js';
import type { Destination, ProxyProcess } from './proxy-process.js';
import { startServer } from './this-server.js';

const PROXIES: Readonly<Record<string, (destinations: readonly Destination[]) => Promise<ProxyProcess>>> = {
  HAProxy: startHaProxy,
  'MySQL Router': startMySqlRouter,
};

describe.for(Object.entries(PROXIES))('%s', ([name, start]) => {
  it('leads to its servers in turn, starts again after SIGKILL, and leaves nothing behind', async ({ skip }) => {
    skip(name === 'MySQL Router' && fetchedVersions('mysql') === undefined, 'MySQL Router comes with MySQL, which is not there.');
    await using other = await startServer();
    await using first = await createDatabase();
    await using proxy = await start([first, other]);
    const names = new Set<unknown>();
    for (const { user, password } of [first, first, first, first].map(({ connection }) => connection)) {
      const connection = await createConnection({ host: proxy.host, port: proxy.port, user, password }).catch(() => undefined);
      names.add(connection === undefined ? 'the other server, which does not know the user' : await valueOf(connection, '@@port'));
      await connection?.end();
    }
    expect(names).toEqual(new Set([first.port, 'the other server, which does not know the user']));

    await proxy.kill('SIGKILL');
    await proxy.restart();
    await using single = await start([first]);
    await using connection = await createConnection({ ...first.connection, port: single.port });
    expect(await connectionId(connection)).toBeGreaterThan(0);
  });
});
