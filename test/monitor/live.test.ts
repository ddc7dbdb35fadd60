import { createTRPCClient, httpLink, httpSubscriptionLink, splitLink, TRPCClientError } from '@trpc/client';
import { EventSource } from 'eventsource';
import { describe, expect, it } from 'vitest';
import type { LiveSnapshot } from '../../src/monitor/api/router.js';
import type { MonitoringServer, MonitoringServerRouter } from '../../src/monitor/server/server.js';
import { waitFor } from '../support/wait-for.js';
import { procedures } from './support/call.js';
import { openPool, whileHolding } from '../support/pool-on-database.js';
import { serve } from './support/serve.js';

function clientOf({ url }: MonitoringServer, token?: string) {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const api = `${url}/api/trpc`;
  return createTRPCClient<MonitoringServerRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === 'subscription',
        true: httpSubscriptionLink({
          url: api,
          EventSource,
          eventSourceOptions: () => ({ fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }) }),
        }),
        false: httpLink({ url: api, headers }),
      }),
    ],
  });
}

/** What a client that listens has heard. */
function listen(client: ReturnType<typeof clientOf>) {
  const heard: LiveSnapshot[] = [];
  const errors: unknown[] = [];
  const subscription = client.monitoring.live.subscribe(undefined, {
    onData: ({ data }) => heard.push(data),
    onError: (error) => errors.push(error),
    onConnectionStateChange: ({ error }) => error !== null && errors.push(error),
  });
  return { heard, errors, [Symbol.dispose]: () => subscription.unsubscribe() };
}

describe('monitoring.live', () => {
  it('pushes each second how the pools are and what has happened since', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders', connectionLimit: 3, leakDetectionThreshold: 200 });
    fixture.pool.watch('leak', () => undefined);
    await using server = await serve({ pools: fixture.pool });
    using listener = listen(clientOf(server));
    const { heard } = listener;
    await waitFor('two messages', () => heard.length >= 2);
    expect(heard[0]).toMatchObject({ process: { pid: process.pid, node: process.version }, pgbouncer: null, pools: [{ name: 'orders' }] });
    expect(heard[0]!.pools[0]!.stats.options).toMatchObject({ connectionLimit: 3 });

    await Promise.all(['0.02', '0.03', '0.3'].map((seconds) => fixture.pool.query(`SELECT SLEEP(${seconds})`)));
    await expect(fixture.pool.query('SELECT * FROM no_such_table')).rejects.toMatchObject({ errno: 1146 });
    await whileHolding(fixture.pool, 3, async () => {
      const waiting = fixture.pool.query('SELECT 1').catch(() => undefined);
      await waitFor('the queue to be reported', () => heard.at(-1)!.pools[0]!.stats.waiting === 1);
      const { borrowed, points, health } = heard.at(-1)!.pools[0]!;
      expect(borrowed).toHaveLength(3);
      expect(borrowed[0]).toMatchObject({ description: expect.stringContaining('no statement running') as string });
      expect(points).toHaveLength(1);
      expect(points[0]).toMatchObject({ limit: 3, used: 3, waiting: 1 });
      expect(health.status).not.toBe('unhealthy');
      await waitFor('the leak to be reported', () => heard.at(-1)!.events.some(({ kind }) => kind === 'leak'));
      expect(heard.at(-1)!.pools[0]!.borrowed[0]!.stack).toContain('pool-on-database');
      void waiting;
    });
    await waitFor('the rest', () => heard.at(-1)!.pools[0]!.stats.used === 0);
    const points = heard.flatMap(({ pools }) => pools[0]!.points);
    const sum = (name: 'queryErrors' | 'acquired' | 'opened'): number => points.reduce((total, point) => total + point[name], 0);
    expect(sum('queryErrors')).toBe(1);
    expect(sum('acquired')).toBeGreaterThanOrEqual(7);
    const queries = points.flatMap(({ query }) => query.filter((_, index) => index % 2 === 1)).reduce((a, b) => a + b, 0);
    expect(queries).toBeGreaterThanOrEqual(4);
    expect(heard.at(-1)!.pools[0]!.slowQueries.queries[0]).toMatchObject({ digest: 'SELECT SLEEP(?)' });
    const ids = heard.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(listener.errors).toEqual([]);
  });

  it('sends a client that comes later what was before, and one that comes back what it has missed', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    await using server = await serve({ pools: fixture.pool });
    const client = clientOf(server);
    const early = listen(client);
    await waitFor('three messages', () => early.heard.length >= 3);
    using late = listen(client);
    await waitFor('the first message', () => late.heard.length >= 1);
    expect(late.heard[0]!.pools[0]!.points.length).toBeGreaterThanOrEqual(2);
    early[Symbol.dispose]();

    const missed = early.heard.at(-1)!.id;
    const response = await fetch(`${server.url}/api/trpc/monitoring.live`, { headers: { 'last-event-id': String(missed) } });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('"points":')) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`The feed ended after: ${text.slice(-500)}`);
      text += value;
    }
    await reader.cancel();
    const data = /^data: (\{.*"points":.*)$/m.exec(text + (text.endsWith('\n') ? '' : '\n'))?.[1];
    if (data !== undefined) {
      const again = JSON.parse(data) as LiveSnapshot;
      expect(again.pools[0]!.points.length).toBe(again.id - missed);
    }
    expect(text).toMatch(/^id: \d+$/m);
  });

  it('costs nothing more when no client listens: no listener is left behind by clients that have gone', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    await using server = await serve({ pools: fixture.pool });
    for (let round = 0; round < 70; round += 1) {
      const controller = new AbortController();
      const response = await fetch(`${server.url}/api/trpc/monitoring.live`, { signal: controller.signal });
      expect(response.status).toBe(200);
      controller.abort();
      await response.text().catch(() => undefined);
    }
    using listener = listen(clientOf(server));
    await waitFor('a message', () => listener.heard.length > 0);
    expect(listener.errors).toEqual([]);
  });

  it('needs the token', async () => {
    await using server = await serve({ pools: [], token: 'sesame' });
    const response = await fetch(`${server.url}/api/trpc/monitoring.live`);
    expect(response.status).toBe(401);
    using listener = listen(clientOf(server, 'sesame'));
    await waitFor('a message', () => listener.heard.length > 0);
    expect(listener.heard[0]).toMatchObject({ pools: [] });
  });

  it('continues after the function that names the pools has thrown', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    let broken = false;
    let failures = 0;
    const pools = () => {
      if (broken) {
        failures += 1;
        throw new Error('not now');
      }
      return fixture.pool;
    };
    await using server = await serve({ pools });
    using listener = listen(clientOf(server));
    await waitFor('a message', () => listener.heard.length > 0);
    broken = true;
    await waitFor('it to be called in vain', () => failures > 0);
    const before = listener.heard.length;
    broken = false;
    await waitFor('another message', () => listener.heard.length > before);
    expect(listener.errors).toEqual([]);
  });

  it('works in a router that an application has mounted, and ends with its caller', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const controller = new AbortController();
    const caller = procedures({ pools: fixture.pool });
    let count = 0;
    for await (const [, { pools }] of (await caller.live()) as AsyncIterable<[string, LiveSnapshot]>) {
      expect(pools[0]?.name).toBe(fixture.pool.name);
      count += 1;
      if (count === 2) break;
    }
    controller.abort();
    expect(count).toBe(2);
  });
});

describe('monitoring.slowQueries', () => {
  it('shows the shapes that cost most, without values, as many as are asked for', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    await fixture.pool.query('SELECT SLEEP(0.03), ? AS secret', ['sesame']);
    await fixture.pool.query('SELECT SLEEP(0.06) AS other');
    const caller = procedures({ pools: fixture.pool });
    // A busy machine may make the shorter one take longer.
    const all = await caller.slowQueries();
    const ofTest = all.queries.filter(({ digest }) => digest.includes('SLEEP'));
    expect(ofTest.map(({ digest }) => digest).toSorted()).toEqual(['SELECT SLEEP(?) AS other', 'SELECT SLEEP(?), ? AS secret']);
    expect(all.queries.map(({ totalMs }) => totalMs)).toEqual(all.queries.map(({ totalMs }) => totalMs).toSorted((a, b) => b - a));
    const [dearest] = all.queries;
    expect(await caller.slowQueries({ limit: 1 })).toMatchObject({ available: true, queries: [{ digest: dearest?.digest, calls: 1 }] });
    expect(JSON.stringify(all)).not.toContain('sesame');
    await expect(caller.slowQueries({ limit: 0 })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringMatching(/^limit: /) as string,
    });
    await expect(caller.slowQueries({ orderBy: 'mean' as never })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(caller.slowQueries({ pool: 'x' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await procedures({ pools: [] }).slowQueries()).toMatchObject({ available: false, queries: [] });
  });
});

describe('actions', () => {
  it('need the token that allows them, and are in the log', async () => {
    await using fixture = await openPool({ name: 'orders', connectionLimit: 3, minIdle: 2 });
    const told: unknown[] = [];
    await using server = await serve({
      pools: fixture.pool,
      token: 'read-1',
      operateToken: 'operate-1',
      onAction: (record) => told.push(record),
    });
    const reader = clientOf(server, 'read-1').monitoring;
    const operator = clientOf(server, 'operate-1').monitoring;
    expect(await reader.capabilities.query()).toMatchObject({
      mayAct: false,
      procedures: expect.arrayContaining(['live', 'evict']) as string[],
    });
    expect(await operator.capabilities.query()).toMatchObject({ mayAct: true });
    for (const refused of [
      reader.evict.mutate({ pool: 'orders' }),
      reader.suspend.mutate({ pool: 'orders' }),
      reader.drain.mutate({ pool: 'orders' }),
      reader.resize.mutate({ pool: 'orders', connectionLimit: 1 }),
    ]) {
      await expect(refused).rejects.toThrow('Actions need a token that allows them');
    }
    expect(fixture.pool.summary().state).toBe('running');
    expect(told).toEqual([]);

    await operator.suspend.mutate({ pool: 'orders' });
    expect(fixture.pool.summary().state).toBe('suspended');
    await operator.resume.mutate({ pool: 'orders' });
    expect(fixture.pool.summary().state).toBe('running');
    await operator.resize.mutate({ pool: 'orders', connectionLimit: 5 });
    expect(fixture.pool.summary().limit).toBe(5);
    await operator.resize.mutate({ pool: 'orders', connectionLimit: { min: 2, max: 6 } });
    expect(fixture.pool.stats()).toMatchObject({ limit: 5, connectionLimit: 6 });
    await operator.resize.mutate({ pool: 'orders', connectionLimit: 5 });
    await fixture.pool.ready();
    await operator.evict.mutate({ pool: 'orders' });
    await waitFor('connections to be evicted', () => fixture.pool.stats().closedByReason.evicted > 0);
    for (const connectionLimit of [0, { min: 0, max: 6 }, { min: 7, max: 6 }]) {
      await expect(operator.resize.mutate({ pool: 'orders', connectionLimit })).rejects.toMatchObject({ data: { code: 'BAD_REQUEST' } });
    }
    await expect(operator.evict.mutate({ pool: 'x' })).rejects.toMatchObject({ data: { code: 'NOT_FOUND' } });
    await operator.drain.mutate({ pool: 'orders', timeoutMs: 1_000 });
    await waitFor('the pool to be closed', () => fixture.pool.summary().state === 'closed');
    await waitFor('the drain to be logged', () => told.length === 8);
    const { actions } = await operator.actionLog.query();
    expect(actions.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'drain done',
      'drain started',
      'evict done',
      'resize done',
      'resize done',
      'resize done',
      'resume done',
      'suspend done',
    ]);
    expect(actions[0]).toMatchObject({ pool: 'orders', by: '127.0.0.1', detail: 'complete', complete: true });
    expect(actions.slice(1).every((action) => action.complete === undefined)).toBe(true);
    expect(told.toReversed()).toEqual(actions);
  });

  it('are open to no client where no such token is set, on this machine too', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders' });
    await using server = await serve({ pools: fixture.pool });
    await expect(clientOf(server).monitoring.suspend.mutate({ pool: 'orders' })).rejects.toThrow(TRPCClientError);
    await expect(clientOf(server, 'guess').monitoring.suspend.mutate({ pool: 'orders' })).rejects.toThrow(TRPCClientError);
    expect(fixture.pool.summary().state).toBe('running');
    await expect(procedures({ pools: fixture.pool }).suspend({ pool: 'orders' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await procedures({ pools: fixture.pool, authorizeActions: () => true }).suspend({ pool: 'orders' });
    expect(fixture.pool.summary().state).toBe('suspended');
    fixture.pool.resume();
  });
});
