import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireExecutable } from '../../../src/demo/find-executable.js';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { freePort } from '../../support/network/free-port.js';
import { type RestartableServer, startRestartableServer } from '../../support/servers/restartable-server.js';

/** A series of a query's answer. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** A private Prometheus. */
export interface Prometheus extends RestartableServer {
  readonly url: string;
  /** The answer of an instant query. @throws Error with what Prometheus says of a wrong one */
  query(expression: string): Promise<readonly Series[]>;
}

const HOST = '127.0.0.1';

/** What a private Prometheus is to do. */
export interface PrometheusOptions {
  /** `host:port` to scrape each second, as the job 'poolwright'. */
  readonly targets: readonly string[];
  readonly token?: string;
  /** Rule files by name, with their content. */
  readonly rules?: Readonly<Record<string, string>>;
  /** `host:port` of an Alertmanager. */
  readonly alertmanager?: string;
}

export async function startPrometheus({ targets, token, rules = {}, alertmanager }: PrometheusOptions): Promise<Prometheus> {
  const command = await requireExecutable('prometheus', ['prometheus']);
  const folder = createTemporaryFolder('poolwright-prometheus');
  const port = await freePort(HOST);
  for (const [name, content] of Object.entries(rules)) await writeFile(join(folder.path, name), content);
  const configuration = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: Object.keys(rules),
    ...(alertmanager === undefined ? {} : { alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] } }),
    scrape_configs: [
      {
        job_name: 'poolwright',
        ...(token === undefined ? {} : { authorization: { credentials: token } }),
        static_configs: [{ targets }],
      },
    ],
  };
  // JSON is YAML.
  await writeFile(join(folder.path, 'prometheus.yml'), JSON.stringify(configuration));
  await mkdir(join(folder.path, 'data'));
  const url = `http://${HOST}:${port}`;
  const server = await startRestartableServer({
    name: 'Prometheus',
    folder,
    process: {
      command,
      arguments: [
        `--config.file=${join(folder.path, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder.path, 'data')}`,
        `--web.listen-address=${HOST}:${port}`,
      ],
      logPath: join(folder.path, 'prometheus.log'),
      cwd: folder.path,
    },
    stopSignal: 'SIGTERM',
    isReady: async () => (await fetch(`${url}/-/ready`)).ok,
  });
  const query = async (expression: string): Promise<readonly Series[]> => {
    const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: expression }) });
    const answer = (await response.json()) as { readonly error?: string; readonly data?: { readonly result: readonly Series[] } };
    if (answer.data === undefined) throw new Error(`${expression}: ${answer.error}`);
    return answer.data.result;
  };
  return Object.assign(server, { url, query });
}

/** A private Alertmanager that passes everything on to a webhook, within a second. */
export async function startAlertmanager(webhook: string): Promise<RestartableServer & { readonly address: string }> {
  const command = await requireExecutable('prometheus-alertmanager', ['prometheus-alertmanager']);
  const folder = createTemporaryFolder('poolwright-alertmanager');
  const port = await freePort(HOST);
  const configuration = {
    route: { receiver: 'test', group_by: ['alertname'], group_wait: '1s', group_interval: '1s', repeat_interval: '1h' },
    receivers: [{ name: 'test', webhook_configs: [{ url: webhook, send_resolved: true }] }],
  };
  await writeFile(join(folder.path, 'alertmanager.yml'), JSON.stringify(configuration));
  const address = `${HOST}:${port}`;
  const server = await startRestartableServer({
    name: 'Alertmanager',
    folder,
    process: {
      command,
      arguments: [
        `--config.file=${join(folder.path, 'alertmanager.yml')}`,
        `--storage.path=${folder.path}`,
        `--web.listen-address=${address}`,
        // No cluster: it would listen on a port of its own.
        '--cluster.listen-address=',
      ],
      logPath: join(folder.path, 'alertmanager.log'),
      cwd: folder.path,
    },
    stopSignal: 'SIGTERM',
    isReady: async () => (await fetch(`http://${address}/-/ready`)).ok,
  });
  return Object.assign(server, { address });
}
