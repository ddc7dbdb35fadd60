/** The verdict through every door at once, on a real server: a database that goes and comes back, a saturated pool, a leak. */

import { describe, expect, it } from 'vitest';
import { createPool } from '../../../src/mysql/create-pool.js';
import type { Pool } from '../../../src/mysql/pools/pool.js';
import type { PoolVerdict } from '../../../src/monitor/verdict/index.js';
import { createDatabase } from '../../support/servers/database.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';
import { waitFor } from '../../support/wait-for.js';
import { serve } from '../support/serve.js';
import type { IncidentsReport, PoolHealthReport, ProcessReport } from '../../../src/monitor/api/router.js';

type Server = Awaited<ReturnType<typeof serve>>;

interface Readiness {
  readonly ready: boolean;
  readonly pools: readonly { readonly status: string; readonly verdict: PoolVerdict }[];
}

/** What each door says of the only pool. */
async function doorsOf(server: Server) {
  const ready = (await (await fetch(`${server.url}/readyz`)).json()) as Readiness;
  const ask = async <T>(procedure: string): Promise<T> => {
    const answer = await fetch(`${server.url}/api/trpc/monitoring.${procedure}`);
    return ((await answer.json()) as { readonly result: { readonly data: T } }).result.data;
  };
  const [health, { pools }, { incidents }] = await Promise.all([
    ask<PoolHealthReport>('connectionPoolHealth'),
    ask<ProcessReport>('process'),
    ask<IncidentsReport>('incidents'),
  ]);
  return { ready: ready.ready, byReady: ready.pools[0]!, health, byProcess: pools[0]!, incidents };
}

type Doors = Awaited<ReturnType<typeof doorsOf>>;

/** They are asked one after the other, so the pool may change between: what they agree on is what lasts. */
function agree({ byReady, health, byProcess }: Doors): boolean {
  const all = [byReady.status, byReady.verdict.status, health.status, health.verdict.status, byProcess.status];
  return new Set(all).size === 1 && byReady.verdict.cause === health.verdict.cause;
}

async function untilAllSay(server: Server, what: string, is: (verdict: PoolVerdict, doors: Doors) => boolean): Promise<Doors> {
  return await waitFor(
    what,
    () => doorsOf(server),
    (doors) => agree(doors) && is(doors.health.verdict, doors),
    { timeoutMs: 30_000, intervalMs: 50 },
  );
}

async function failingCallers(pool: Pool, until: () => boolean): Promise<void> {
  while (!until()) {
    await Promise.all(Array.from({ length: 10 }, () => pool.query('SELECT 1').catch(() => undefined)));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('page, probes and procedures say the same', () => {
  it('of a database that is away, and when it is back: from when to when, and whom it has hit', async () => {
    await using database = await createDatabase();
    await using proxy = await startTcpProxy({ port: database.port });
    await using pool = createPool(database.url({ port: proxy.port }), {
      name: 'orders',
      minIdle: 1,
      acquireTimeout: 500,
      validateAfterIdle: 0,
    });
    await pool.ready();
    await using server = await serve({ pools: pool });
    await untilAllSay(server, 'a pool that is well', ({ status }) => status === 'healthy');
    let isOver = false;
    const before = Date.now();
    proxy.refuse();
    proxy.reset();
    const callers = failingCallers(pool, () => isOver);
    const away = await untilAllSay(
      server,
      'the database to be away',
      ({ cause, callersFailed }) => cause === 'database-away' && callersFailed > 0,
    );
    expect(away).toMatchObject({ ready: false, byReady: { status: 'unhealthy' } });
    expect(away.health.verdict.headline).toMatch(
      /^The database cannot be reached since .*; [\d ]+ callers? (?:was refused|were refused|timed out)/,
    );
    expect(away.health.verdict.since).toBeGreaterThanOrEqual(before - 1_000);
    expect(away.byProcess.headline).toMatch(/^The database cannot be reached since/);
    await proxy.accept();
    const back = await untilAllSay(
      server,
      'the database to be back',
      ({ cause }, { incidents, ready }) => cause === null && ready && incidents[0]?.end != null,
    );
    isOver = true;
    await callers;
    const [incident] = back.incidents;
    expect(incident).toMatchObject({ cause: 'database-away', status: 'unhealthy', error: expect.stringContaining('ECONN') as string });
    expect(incident!.refused + incident!.timedOut).toBeGreaterThan(0);
    expect(back.health.verdict.headline).toMatch(
      /The database was away from .* to .*; [\d ]+ callers? (?:was refused|were refused|timed out)/,
    );
  });

  it('of a saturated pool: who holds it, whom it fails, and that it is not ready while most callers fail', async () => {
    await using database = await createDatabase();
    await using pool = createPool(database.url(), { name: 'orders', minIdle: 0, connectionLimit: 2, acquireTimeout: 200 });
    await using server = await serve({ pools: pool });
    // A busy machine may take longer to open a connection than callers wait here.
    const opened = await Promise.all([1, 2].map(() => pool.getConnection({ timeout: 30_000 })));
    for (const connection of opened) connection.release();
    const stop = new AbortController();
    const slow = Array.from({ length: 2 }, () => pool.query({ sql: 'SELECT SLEEP(60)', signal: stop.signal }).catch(() => undefined));
    await waitFor('all to be in use', () => pool.summary().used === 2);
    let isOver = false;
    const callers = failingCallers(pool, () => isOver);
    const { health, ready } = await untilAllSay(server, 'a saturated pool', ({ cause, status, callersFailed }) => {
      return cause === 'exhausted' && status === 'unhealthy' && callersFailed > 0;
    });
    expect(ready).toBe(false);
    expect(health.verdict.headline).toMatch(/^The pool is the bottleneck: all 2 connections are in use since .*; [\d ]+ callers timed out/);
    expect(health.verdict.holders).toMatchObject([{ count: 2, work: 'running SELECT SLEEP(?)' }]);
    isOver = true;
    stop.abort();
    await Promise.all([...slow, callers]);
    await untilAllSay(server, 'the end of it', ({ headline }) =>
      /[Aa]ll 2 connections were in use, and callers waited from .* timed out/.test(headline),
    );
  });

  it('of a leak: degraded at each door, ready, with the line that borrowed', async () => {
    await using database = await createDatabase();
    await using pool = createPool(database.url(), { name: 'orders', minIdle: 0, connectionLimit: 10, leakDetectionThreshold: 100 });
    pool.watch('leak', () => undefined);
    await using server = await serve({ pools: pool });
    const leaked = await Promise.all(Array.from({ length: 6 }, () => pool.getConnection()));
    const { health, ready, byReady } = await untilAllSay(
      server,
      'six leaks',
      ({ cause, headline }) => cause === 'leak' && headline.startsWith('6 of 10'),
    );
    expect({ ready, status: byReady.status }).toEqual({ ready: true, status: 'degraded' });
    expect(health.verdict.headline).toMatch(/^6 of 10 connections may be leaked since .*; borrowed at verdict\/doors\.test\.ts:\d+\.$/);
    for (const connection of leaked) connection.release();
    await untilAllSay(server, 'the end of the leak', ({ status }) => status === 'healthy');
  });
});
