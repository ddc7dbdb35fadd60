/** How soon the next writer is noticed, and what asking for it costs. */
import { expect, it } from 'vitest';
import { SimulatedCluster, serversNamed } from '../support/simulated-servers.js';

async function demoted(): Promise<SimulatedCluster> {
  const cluster = new SimulatedCluster(serversNamed('a', 'b'));
  await cluster.clock.advance(10_000);
  expect(cluster.pool.writesGoTo).toBe('a:3306');
  cluster.serverAt('a:3306').writable = false;
  // What a refused write does.
  cluster.node('a:3306').watch.doubt('it refused work: read-only', true);
  await cluster.clock.settle();
  return cluster;
}

/** How long after `b` was promoted it is followed. */
async function noticedAfter(cluster: SimulatedCluster): Promise<number> {
  cluster.serverAt('b:3306').writable = true;
  const from = cluster.clock.now();
  while (cluster.pool.writesGoTo !== 'b:3306') await cluster.clock.advance(1);
  return cluster.clock.now() - from;
}

it.each([100, 300, 1_000])('after %i ms without a writer, the next one is noticed within a quarter of that time', async (ms) => {
  const cluster = await demoted();
  await cluster.clock.advance(ms);
  expect(await noticedAfter(cluster)).toBeLessThanOrEqual(ms / 4);
});

it('a writer that is missing for a long time costs a look every intervalInDoubt, and no more new connections than that', async () => {
  const cluster = await demoted();
  const { looks } = cluster.serverAt('b:3306');
  const before = looks.length;
  await cluster.clock.advance(2_000);
  const fresh = looks.slice(before).filter((look) => look.fresh).length;
  expect(fresh).toBeGreaterThanOrEqual(6);
  expect(fresh).toBeLessThanOrEqual(8);
  const since = looks.length;
  await cluster.clock.advance(10_000);
  expect(looks.length - since).toBeLessThanOrEqual(10_000 / cluster.options.monitor.intervalInDoubt);
});

it('the next writer is followed as soon as a look hears that it takes writes, no matter what else the look waits for', async () => {
  const cluster = await demoted();
  const b = cluster.serverAt('b:3306');
  let answer = (): void => undefined;
  b.rest = new Promise((resolve) => {
    answer = resolve;
  });
  await noticedAfter(cluster);
  expect(cluster.node('b:3306').reading?.role).toBe('reader');
  answer();
  await cluster.clock.settle();
  expect(cluster.node('b:3306').reading?.role).toBe('writer');
  expect(cluster.pool.moves).toEqual(['a:3306', 'b:3306']);
});

it('what a look hears first is forgotten when the look fails', async () => {
  const cluster = await demoted();
  const b = cluster.serverAt('b:3306');
  let fail = (): void => undefined;
  b.rest = new Promise((_, reject) => {
    fail = () => reject(new Error('lost'));
  });
  await noticedAfter(cluster);
  fail();
  await cluster.clock.settle();
  expect(cluster.node('b:3306').watch.role).toBe('reader');
  expect(cluster.node('b:3306').state).toBe('suspect');
  expect(cluster.pool.writesGoTo).toBeUndefined();
});
