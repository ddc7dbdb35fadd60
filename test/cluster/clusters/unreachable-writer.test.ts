import { expect, it } from 'vitest';
import { makeCluster } from '../../../src/cluster/clusters/create-cluster.js';
import type { Looker } from '../../../src/cluster/monitoring/index.js';
import { freePort } from '../../support/network/free-port.js';
import { errorOf } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';

/** A server that says that it takes writes. */
const WRITER: Looker = {
  look: () =>
    Promise.resolve({
      reading: {
        serverId: 'a',
        version: '9.7.4',
        role: 'writer',
        lagMs: 0,
        replicating: true,
        executed: undefined,
        commitsInOrder: true,
        peers: [],
        complaints: [],
      },
      latencyMs: 1,
    }),
  probe: () => Promise.resolve(),
  abandon: () => undefined,
  end: () => Promise.resolve(),
};

it('callers wait for a writer that cannot be reached, for another one may be found: no breaker refuses them', async () => {
  const port = await freePort('127.0.0.1');
  const nodes = [`mysql://app:secret@127.0.0.1:${port}/shop`];
  const db = makeCluster({ nodes, discovery: 'static', acquireTimeout: 0 }, {}, () => WRITER);
  const seen = { failures: 0 };
  db.watch('connectFailed', () => {
    seen.failures += 1;
  });
  const waiting = errorOf(db.query('DO 0'));
  await waitFor('connections to fail', () => seen.failures >= 4);
  expect(db.breakers.connect).toMatchObject({ closed: true });
  expect(db.stats()).toMatchObject({ waiting: 1 });
  await db.drain({ timeout: 0 });
  expect(await waiting).toMatchObject({ code: 'POOL_DRAINING' });
});
