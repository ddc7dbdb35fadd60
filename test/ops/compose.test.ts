import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseCall } from '../../src/cli/console/command.js';
import { demo } from '../../src/cli/commands/serve.js';
import { createPool } from '../../src/mysql/create-pool.js';
import { freePort } from '../support/network/free-port.js';
import { serve } from '../monitor/support/serve.js';

/** There is no engine here that could start it: what can be checked of it without one. */
const OPS = fileURLToPath(new URL('../../ops/', import.meta.url));
const read = (name: string): string => readFileSync(OPS + name, 'utf8');
/** Throws for a key that is there twice. */
const yaml = (name: string): unknown => parse(read(name));

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly secrets?: readonly string[];
}

const compose = yaml('compose.yaml') as {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
};
const services = Object.entries(compose.services);

/** Where each image listens, and its program for a health check, by the documents of the images. */
const IMAGES: Readonly<Record<string, { readonly port: number; readonly check: string }>> = {
  node: { port: 9_464, check: 'node' },
  mariadb: { port: 3_306, check: 'healthcheck.sh' },
  redis: { port: 6_379, check: 'redis-cli' },
  'prom/prometheus': { port: 9_090, check: 'wget' },
  'prom/alertmanager': { port: 9_093, check: 'wget' },
  'grafana/grafana': { port: 3_000, check: 'wget' },
};

function imageOf({ image }: Service): (typeof IMAGES)[string] {
  const known = IMAGES[image.split(':')[0] ?? ''];
  if (known === undefined) throw new Error(`It is not known where ${image} listens: say so in this test.`);
  return known;
}

/** `name:port` of a service as others reach it. */
function addressOf(name: string): string {
  const service = compose.services[name];
  if (service === undefined) throw new Error(`There is no service '${name}'.`);
  return `${name}:${imageOf(service).port}`;
}

describe('ops/compose.yaml', () => {
  it('has no key that Compose does not know', () => {
    const known = new Set(['image', 'working_dir', 'command', 'volumes', 'environment', 'ports', 'depends_on', 'healthcheck', 'secrets']);
    const unknown = services.flatMap(([name, service]) =>
      Object.keys(service)
        .filter((key) => !known.has(key))
        .map((key) => `${name}.${key}`),
    );
    expect(unknown).toEqual([]);
    expect(Object.keys(compose)).toEqual(['name', 'services', 'secrets']);
    for (const [, { healthcheck = {} }] of services) {
      for (const key of Object.keys(healthcheck)) expect(['test', 'interval', 'timeout', 'retries', 'start_period']).toContain(key);
    }
  });

  it('has the service, what it needs and what watches it, each image of a version', () => {
    expect(services.map(([name]) => name)).toEqual(['app', 'database', 'redis', 'prometheus', 'alertmanager', 'grafana']);
    for (const [, { image }] of services) expect(image).toMatch(/^[a-z/]+:v?\d+/);
  });

  it('shows its ports to this machine only, each where the image listens', () => {
    for (const [, service] of services) {
      for (const port of service.ports ?? []) expect(port).toMatch(new RegExp(`^127\\.0\\.0\\.1:\\d+:${imageOf(service).port}$`));
    }
    const own = services.flatMap(([, { ports = [] }]) => ports.map((port) => port.split(':')[1]));
    expect(new Set(own).size).toBe(own.length);
  });

  it('looks after every service, with a program that is in its image, at the port where it listens', () => {
    for (const [, service] of services) {
      const [kind, program, ...rest] = service.healthcheck?.test ?? [];
      const { check, port } = imageOf(service);
      expect([kind, program]).toEqual(['CMD', check]);
      const named = /127\.0\.0\.1:(\d+)/.exec(rest.join(' '))?.[1];
      if (named !== undefined) expect(Number(named)).toBe(port);
    }
  });

  it('waits for what exists and can be waited for', () => {
    for (const [, { depends_on = {} }] of services) {
      for (const [name, { condition }] of Object.entries(depends_on)) {
        expect(condition).toBe('service_healthy');
        expect(compose.services[name]?.healthcheck).toBeDefined();
      }
    }
  });

  it('mounts files that are there, and secrets that are not in the repository', () => {
    for (const [, { volumes = [], secrets = [] }] of services) {
      for (const volume of volumes) {
        const [from = '', to = ''] = volume.split(':');
        expect(existsSync(OPS + from)).toBe(true);
        expect(to).toMatch(/^\//);
      }
      for (const secret of secrets) expect(Object.keys(compose.secrets)).toContain(secret);
    }
    const ignored = readFileSync(`${OPS}../.gitignore`, 'utf8').split('\n');
    for (const { file } of Object.values(compose.secrets)) expect(ignored).toContain(`ops/${file.replace('./', '')}`);
  });

  it('takes every password from outside, and says which is missing', () => {
    const text = read('compose.yaml').replaceAll(/^\s*#.*$/gm, '');
    expect(
      [...text.matchAll(/\$\{[^}]*\}/g)].map(([variable]) => variable).filter((variable) => !/^\$\{[A-Z_]+:\?.+\}$/.test(variable)),
    ).toEqual([]);
    for (const [, { environment = {} }] of services) {
      for (const [name, value] of Object.entries(environment))
        if (/PASSWORD|TOKEN/.test(name) && value !== 'yes') expect(value).toMatch(/^\$\{/);
    }
  });

  it('starts the service as its command takes it, with variables that are documented, at the database beside it', async () => {
    const { command = [], environment = {} } = compose.services['app'] as Service;
    expect(command.slice(0, 3)).toEqual(['npm', 'start', '--']);
    expect(parseCall(demo, command.slice(3)).values).toMatchObject({
      host: '0.0.0.0',
      port: imageOf(compose.services['app'] as Service).port,
    });
    const documented = readFileSync(`${OPS}../docs/deployment.md`, 'utf8');
    for (const name of Object.keys(environment)) expect(documented).toContain(`| \`${name}\` |`);
    const url = new URL((environment['DATABASE_URL'] ?? '').replaceAll(/\$\{[^}]*\}/g, 'sesame'));
    expect(url.host).toBe(addressOf('database'));
    const { MARIADB_USER, MARIADB_DATABASE } = compose.services['database']?.environment ?? {};
    expect([url.username, url.pathname]).toEqual([MARIADB_USER, `/${MARIADB_DATABASE}`]);
    await createPool(url.href, { minIdle: 0 }).end();
  });

  it('has Prometheus, Alertmanager and Grafana find each other and the service', () => {
    interface Targets {
      readonly static_configs: readonly { readonly targets: readonly string[] }[];
    }
    const prometheus = yaml('prometheus/prometheus.yml') as {
      readonly rule_files: readonly string[];
      readonly alerting: { readonly alertmanagers: readonly Targets[] };
      readonly scrape_configs: readonly (Targets & { readonly authorization: { readonly credentials_file: string } })[];
    };
    const targets = (all: readonly Targets[]): string[] =>
      all.flatMap(({ static_configs }) => static_configs.flatMap((one) => one.targets));
    expect(targets(prometheus.scrape_configs)).toEqual([addressOf('app')]);
    expect(targets(prometheus.alerting.alertmanagers)).toEqual([addressOf('alertmanager')]);
    for (const file of prometheus.rule_files) expect(existsSync(`${OPS}prometheus/${file}`)).toBe(true);
    const secret = prometheus.scrape_configs[0]?.authorization.credentials_file.replace('/run/secrets/', '');
    expect(compose.services['prometheus']?.secrets).toEqual([secret]);

    const sources = yaml('grafana/provisioning/datasources/prometheus.yml') as {
      readonly datasources: readonly { readonly url: string }[];
    };
    expect(sources.datasources.map(({ url }) => url)).toEqual([`http://${addressOf('prometheus')}`]);
    const boards = yaml('grafana/provisioning/dashboards/poolwright.yml') as {
      readonly providers: readonly { readonly options: { readonly path: string } }[];
    };
    const mounted = compose.services['grafana']?.volumes?.find((volume) => volume.includes('poolwright.json'))?.split(':')[1];
    expect(mounted).toBe(`${boards.providers[0]?.options.path}/poolwright.json`);
  });

  it('asks the service whether it is up in words that work', async () => {
    const [, , ...words] = compose.services['app']?.healthcheck?.test ?? [];
    const code = async (port: number): Promise<unknown> =>
      await promisify(execFile)(
        process.execPath,
        words.map((word) => word.replace('9464', String(port))),
      ).then(
        () => 0,
        (error: { readonly code: unknown }) => error.code,
      );
    await using server = await serve({ pools: [] });
    expect(await code(server.address.port)).toBe(0);
    expect(await code(await freePort())).toBe(1);
  });
});
