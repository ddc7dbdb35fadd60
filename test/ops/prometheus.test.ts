import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { requireExecutable } from '../../src/demo/find-executable.js';
import { createQueryCache } from '../../src/cache/index.js';
import { createCluster } from '../../src/cluster/index.js';
import { createPool } from '../../src/mysql/create-pool.js';
import { openPool } from '../support/pool-on-database.js';
import { scriptedFleet } from '../monitor/support/scripted-fleet.js';
import { serve } from '../monitor/support/serve.js';
import { freePort } from '../support/network/free-port.js';
import { startPgBouncer } from '../support/servers/pgbouncer.js';
import { startPostgres } from '../support/servers/postgres-server.js';
import { startRedis } from '../support/servers/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { startAlertmanager, startPrometheus } from './support/prometheus.js';

const run = promisify(execFile);
const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const read = (name: string): string => readFileSync(path(name), 'utf8');

const PATIENCE = { intervalMs: 250 };

interface Alert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A webhook that remembers what it was sent. */
async function startWebhook(): Promise<{ readonly url: string; readonly alerts: Alert[] } & AsyncDisposable> {
  const alerts: Alert[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      alerts.push(...(JSON.parse(body) as { readonly alerts: Alert[] }).alerts);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    alerts,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function alertNames(): string[] {
  return [...read('ops/prometheus/alerts.yml').matchAll(/^ +- alert: (\w+)$/gm)].map((match) => match[1] as string);
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

function panelQueries(): { readonly title: string; readonly expression: string }[] {
  const { panels } = JSON.parse(read('ops/grafana/poolwright.json')) as { readonly panels: readonly Panel[] };
  return panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expression: expr })));
}

/** Names of metrics in a text, without what a histogram adds to its own. */
function metricNames(source: string): Set<string> {
  const names = [...source.matchAll(/\bpoolwright_[a-z_]+/g)].map(([name]) => name);
  return new Set(names.map((name) => name.replace(/_(?:bucket|count|sum)$/, '')));
}

describe('the rules of Prometheus', () => {
  it('are valid, and each alert fires when it should and only then', async () => {
    const promtool = await requireExecutable('promtool', ['prometheus']);
    await run(promtool, ['check', 'rules', path('ops/prometheus/rules.yml'), path('ops/prometheus/alerts.yml')]);
    const { stdout } = await run(promtool, ['test', 'rules', path('ops/prometheus/alerts.test.yml')]);
    expect(stdout).toContain('SUCCESS');
    const tested = new Set([...read('ops/prometheus/alerts.test.yml').matchAll(/alertname="(\w+)"/g)].map((match) => match[1]));
    expect(tested).toEqual(new Set(alertNames()));
  });

  it('lead each to a section of the runbook, and no section is without its alert', () => {
    const sections = [...read('docs/runbook.md').matchAll(/^## (\w+)$/gm)].map((match) => match[1] as string);
    expect(sections).toEqual(alertNames());
    const links = [...read('ops/prometheus/alerts.yml').matchAll(/^ +runbook: (\S+)$/gm)].map((match) => match[1]);
    expect(links).toEqual(sections.map((section) => `docs/runbook.md#${section.toLowerCase()}`));
    const addresses = [...read('ops/prometheus/alerts.yml').matchAll(/^ +runbook_url: "(.+)"$/gm)].map((match) => match[1]);
    expect(addresses).toEqual(sections.map((section) => `{{ with $externalLabels.runbook }}{{ . }}#${section.toLowerCase()}{{ end }}`));
    const within = [...read('docs/runbook.md').matchAll(/\]\(#(\w+)\)/g)].map((match) => match[1]);
    for (const link of within) expect(sections.map((section) => section.toLowerCase())).toContain(link);
  });

  it('and the configurations beside them are accepted by their programs', async () => {
    const promtool = await requireExecutable('promtool', ['prometheus']);
    const amtool = await requireExecutable('amtool', ['prometheus-alertmanager']);
    await run(promtool, ['check', 'config', '--syntax-only', path('ops/prometheus/prometheus.yml')]);
    const { stdout } = await run(amtool, ['check-config', path('ops/alertmanager/alertmanager.yml')]);
    expect(stdout).toContain('SUCCESS');
  });
});

describe('a real Prometheus', () => {
  it('scrapes every series that the rules and the panels of Grafana name, and answers each query of Grafana with data', async () => {
    await using postgres = await startPostgres();
    await using bouncer = await startPgBouncer(postgres);
    await using redis = await startRedis();
    const cache = createQueryCache({ redis: redis.url });
    await using fixture = await openPool({ minIdle: 1, name: 'orders', connectionLimit: 5, cache });
    const { pool } = fixture;
    const unreachable = createPool(`mysql://nobody@127.0.0.1:${await freePort()}/x`, { name: 'unreachable', minIdle: 0 });
    const cluster = createCluster({ nodes: [fixture.database.url()], name: 'shop', minIdle: 0 });
    await using fleet = scriptedFleet('fleeted');
    await using server = await serve({ pools: [pool, unreachable, cluster, fleet.pool], pgbouncer: bouncer.url(), token: 'sesame' });
    await using prometheus = await startPrometheus({ targets: [`127.0.0.1:${server.address.port}`], token: 'sesame' });
    const stop = new AbortController();
    const work = (async () => {
      while (!stop.signal.aborted) {
        await Promise.all([
          pool.query('SELECT SLEEP(0.02)'),
          pool.query({ sql: 'SELECT 1', cache: { ttl: 1_000 } }),
          pool.query('SELECT * FROM no_such_table').catch(() => undefined),
          unreachable.getConnection({ timeout: 100 }).catch(() => undefined),
          cluster.reader.query('SELECT 1'),
          fetch(`${server.url}/readyz`),
        ]);
        pool.evict();
      }
    })();

    try {
      const made = metricNames(await (await fetch(`${server.url}/metrics`, { headers: { authorization: 'Bearer sesame' } })).text());
      const documented = metricNames(read('docs/metrics.md'));
      expect([...made].filter((name) => !documented.has(name))).toEqual([]);
      const named = metricNames(read('ops/prometheus/rules.yml') + read('ops/prometheus/alerts.yml') + read('ops/grafana/poolwright.json'));
      const recorded = [...read('ops/prometheus/rules.yml').matchAll(/record: \w+:(\w+):/g)].map((match) => match[1] as string);
      const known = new Set([...made, ...recorded]);
      expect([...named].filter((name) => !known.has(name))).toEqual([]);

      for (const name of made) {
        await waitFor(
          `${name} in Prometheus`,
          () => prometheus.query(`count({__name__=~"${name}(_bucket)?"})`),
          (found) => found.length > 0,
          PATIENCE,
        );
      }
      for (const { title, expression } of panelQueries()) {
        const query = expression.replaceAll('$__rate_interval', '10s').replaceAll(/\$(?:job|pool)/g, '.*');
        await waitFor(
          `data for "${title}": ${query}`,
          () => prometheus.query(query),
          (found) => found.some(({ value }) => value[1] !== 'NaN'),
          PATIENCE,
        );
      }
    } finally {
      stop.abort();
      await work;
      await unreachable.end();
      await cluster.end();
      cache.close();
    }
    expect(panelQueries().length).toBeGreaterThan(30);
  });

  it('and a real Alertmanager report a pool that is saturated, and that it is free again', async () => {
    await using fixture = await openPool({ minIdle: 1, name: 'orders', connectionLimit: 2, acquireTimeout: 0 });
    const { pool } = fixture;
    await using server = await serve({ pools: pool });
    await using webhook = await startWebhook();
    await using alertmanager = await startAlertmanager(webhook.url);
    // As they are, but for their patience.
    const quick = (rules: string): string => rules.replaceAll(/for: \w+/g, 'for: 2s').replaceAll(/\[1m\]/g, '[3s]');
    const rules = { 'rules.yml': read('ops/prometheus/rules.yml'), 'alerts.yml': quick(read('ops/prometheus/alerts.yml')) };
    const targets = [`127.0.0.1:${server.address.port}`];
    await using prometheus = await startPrometheus({ targets, rules, alertmanager: alertmanager.address });
    await waitFor(
      'the first scrape',
      () => prometheus.query('poolwright_connections_limit'),
      (found) => found.length > 0,
      PATIENCE,
    );

    const held = await Promise.all([pool.getConnection(), pool.getConnection()]);
    const waiting = [pool.query('SELECT 1'), pool.query('SELECT 2')];
    const told = (status: Alert['status'], name: string): Alert | undefined =>
      webhook.alerts.find((alert) => alert.status === status && alert.labels['alertname'] === name);
    const alert = await waitFor('the alert', () => told('firing', 'PoolwrightCallersWait'), Boolean, PATIENCE);
    expect(alert).toMatchObject({
      labels: { pool: 'orders', severity: 'warning', job: 'poolwright' },
      annotations: { summary: 'Callers wait for connections of pool orders', runbook: 'docs/runbook.md#poolwrightcallerswait' },
    });
    await waitFor('the other alert', () => told('firing', 'PoolwrightPoolSaturated'), Boolean, PATIENCE);
    expect(told('firing', 'PoolwrightPoolSaturated')?.annotations['description']).toMatch(/^100% of its connections/);

    // An alert says what the verdict says.
    expect(alert?.annotations['description']).toMatch(/ Verdict: (?:exhausted|busy|other)\./);

    for (const connection of held) connection.release();
    await Promise.all(waiting);
    await waitFor('the end of the alert', () => told('resolved', 'PoolwrightCallersWait'), Boolean, PATIENCE);
    await waitFor('the end of the other', () => told('resolved', 'PoolwrightPoolSaturated'), Boolean, PATIENCE);
  });
});
