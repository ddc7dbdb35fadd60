import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { freePort } from '../../support/network/free-port.js';
import { builtPackage } from '../../support/built.js';
import { startRedis } from '../../support/servers/redis-server.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

it('I11: a process with a cache ends by itself, even while Redis cannot be reached', async () => {
  await using redis = await startRedis();
  const entry = pathToFileURL(join(await builtPackage(), 'dist/cache/index.js')).href;
  const program = `import { createQueryCache } from '${entry}';
    const cache = createQueryCache({ redis: process.argv[1] });
    if (process.argv[2] === 'reached') await cache.ready();
    process.stdout.write(String(await cache.wrap('x', async () => 5)));`;
  const ended = async (url: string, reached: string): Promise<string> =>
    (await run(process.execPath, ['--input-type=module', '-e', program, url, reached], { cwd: root, timeout: 180_000 })).stdout;
  expect(await ended(redis.url, 'reached')).toBe('5');
  // No caller waits for the loading in the background, which never ends.
  const refreshing = `import { createQueryCache } from '${entry}';
    const cache = createQueryCache({ redis: process.argv[1] });
    await cache.ready();
    let loads = 0;
    const load = () => ((loads += 1) === 1 ? Promise.resolve(5) : new Promise(() => {}));
    const policy = { ttl: 50, staleWhileRevalidate: 60_000 };
    await cache.wrap('x', load, policy);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const value = await cache.wrap('x', load, policy);
    while (loads < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    process.stdout.write([value, loads].join());`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', refreshing, redis.url], { cwd: root, timeout: 180_000 });
  expect(stdout).toBe('5,2');
  expect(await ended(`redis://127.0.0.1:${await freePort('127.0.0.1')}`, 'not reached')).toBe('5');
});
