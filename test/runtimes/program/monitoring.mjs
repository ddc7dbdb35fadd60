/** Checks of what needs the optional packages: the monitoring server, Prometheus. */
import { strict as assert } from 'node:assert';
import { createPool, pools } from 'poolwright';
import { check, connectionOptions } from './checks.mjs';

check('the monitoring server: metrics, health, tRPC, live feed', async () => {
  const { startMonitoringServer } = await import('poolwright/server');
  const pool = createPool(connectionOptions({ name: 'watched' }));
  await pool.query('SELECT 1');
  const monitoring = await startMonitoringServer({ pools, port: 0 });
  const address = monitoring.url;
  const metrics = await (await fetch(new URL('/metrics', address))).text();
  assert.match(metrics, /poolwright_connections\{[^}]*pool="watched"/);
  assert.equal((await fetch(new URL('/healthz', address))).status, 200);
  assert.equal((await fetch(new URL('/readyz', address))).status, 200);
  const stats = await (await fetch(new URL('/api/trpc/monitoring.connectionPoolStats', address))).json();
  assert.ok(JSON.stringify(stats).includes('opened'), JSON.stringify(stats).slice(0, 500));
  const aborting = new AbortController();
  const live = await fetch(new URL('/api/trpc/monitoring.live', address), {
    signal: aborting.signal,
    headers: { accept: 'text/event-stream' },
  });
  assert.equal(live.status, 200);
  const reader = live.body.getReader();
  let text = '';
  while (!text.includes('watched')) text += new TextDecoder().decode((await reader.read()).value);
  aborting.abort();
  await reader.cancel().catch(() => undefined);
  await monitoring.close();
  await pool.end();
});
