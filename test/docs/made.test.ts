import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createQueryCache } from '../../src/cache/index.js';
import { type CommandSpec, type CommandOptions, commonOptions, defaultOf } from '../../src/cli/console/command.js';
import { commands } from '../../src/cli/commands/index.js';
import { CLUSTER_STEPS } from '../../src/cli/cluster-doctor/steps.js';
import { STEPS } from '../../src/cli/doctor/finding.js';
import { makeCluster } from '../../src/cluster/clusters/index.js';
import { createMonitoringRouter } from '../../src/monitor/api/router.js';
import { createPool } from '../../src/mysql/create-pool.js';
import type { ObservedPool } from '../../src/telemetry/pool-source.js';
import { registerPoolMetrics } from '../../src/telemetry/prometheus.js';
import { SimulatedLooker, SimulatedServer } from '../cluster/support/simulated-servers.js';
import { scriptedFleet } from '../monitor/support/scripted-fleet.js';
import { waitFor } from '../support/wait-for.js';
import { read, root, tableIn } from './table-in.js';

const NOTE = '; UPDATE_DOCS=1 npx vitest run test/docs writes it -->\n\n';

describe('docs/cli.md', () => {
  it('says of each command what its table says', () => {
    const made = commands.map(section).join('\n\n');
    const begin = `<!-- commands: made from src/cli/commands${NOTE}`;
    expect(tableIn('docs/cli.md', begin, '\n\n<!-- end of commands -->', made)).toBe(made);
  });

  it('describes every step of the doctor, in its order', () => {
    const described = [...read('docs/cli.md').matchAll(/^\| `([a-z-]+)` \| /gm)].map((match) => match[1]);
    expect(described.filter((name) => (STEPS as readonly (string | undefined)[]).includes(name))).toEqual(STEPS);
    expect(described.filter((name) => (CLUSTER_STEPS as readonly (string | undefined)[]).includes(name))).toEqual(CLUSTER_STEPS);
  });
});

describe('docs/metrics.md', () => {
  it('lists every metric that pools, caches, clusters and fleets have, with its type, its labels and its help', async () => {
    await using pool = createPool({ host: '127.0.0.1', minIdle: 0, name: 'docs', cache: createQueryCache() });
    const seen: ObservedPool = Object.create(pool, {
      // A code of each, so that the labels show.
      stats: { value: () => ({ ...pool.stats(), connectErrorsByCode: { 1045: 1 }, queryErrorsByErrno: { 1062: 1 } }) },
      name: { value: 'docs' },
      breakers: { value: pool.breakers },
      fleet: { value: undefined },
      durationCounts: { value: pool.durationCounts.bind(pool) },
    }) as ObservedPool;
    await using cluster = simulatedCluster();
    await using fleet = scriptedFleet('fleeted');
    const registry = registerPoolMetrics({ pools: [seen, cluster, fleet.pool] });
    await waitFor('its node to be seen', () => cluster.topology().writer);
    const made = metricsTable(await registry.metrics());
    const begin = `<!-- metrics: made from src/telemetry/pool-metrics.ts${NOTE}`;
    expect(tableIn('docs/metrics.md', begin, '\n\n<!-- end of metrics -->', made)).toBe(made);
  });
});

describe('docs/trpc-api.md', () => {
  it('describes every procedure of the router under its kind, and no other', () => {
    const { procedures } = createMonitoringRouter({ pools: [], pgbouncer: false })._def;
    const known = Object.entries(procedures as unknown as Record<string, { readonly _def: { readonly type: string } }>).map(
      ([name, { _def }]) => `${name} (${_def.type})`,
    );
    const described = [...read('docs/trpc-api.md').matchAll(/^### `monitoring\.(\w+)` \((\w+)\)$/gm)].map(
      ([, name, kind]) => `${name} (${kind})`,
    );
    expect(described.toSorted()).toEqual(known.toSorted());
  });
});

function simulatedCluster() {
  const server = new SimulatedServer('a:3306', true);
  const cluster = makeCluster({ nodes: ['mysql://app@a/shop'], ssl: false, minIdle: 0 }, {}, () => new SimulatedLooker(server));
  return Object.assign(cluster, { [Symbol.asyncDispose]: () => cluster.end() });
}

function section({ name, summary, notes, operands, options }: CommandSpec): string {
  const all: CommandOptions = { ...options, ...commonOptions };
  const rows = Object.entries(all).map(
    ([option, spec]) => `| \`--${option}${spec.kind === 'flag' ? '' : ` ${spec.value}`}\` | ${spec.about}${defaultOf(spec)} |`,
  );
  return [
    `### \`poolwright ${[name, ...operands].join(' ')}\``,
    '',
    summary,
    ...(notes.length === 0 ? [] : ['', ...notes]),
    '',
    '| option | |',
    '| --- | --- |',
    ...rows,
  ].join('\n');
}

function metricsTable(exposition: string): string {
  const types = new Map([...exposition.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  const rows = [...exposition.matchAll(/^# HELP (\S+) (.+)$/gm)].map(([, name = '', help = '']) => {
    const sample = new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, 'm').exec(exposition)?.[1] ?? '';
    const labels = [...sample.matchAll(/(\w+)="/g)].map(([, label]) => `\`${label}\``);
    return `| \`${name}\` | ${types.get(name) ?? ''} | ${labels.filter((label) => label !== '`le`').join(', ')} | ${help} |`;
  });
  return ['| metric | type | labels | |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** mysql2's list of errors is MySQL's. */
const OF_MARIADB: readonly string[] = ['ER_STATEMENT_TIMEOUT 1969', 'ER_USER_IS_BLOCKED 4150', 'ER_ACCOUNT_HAS_BEEN_LOCKED 4151'];

/** Errors of getaddrinfo have no number of the system's. */
const OF_RESOLVERS: readonly string[] = ['ENOTFOUND', 'EAI_AGAIN'];

/** Whose words the other headings of docs/troubleshooting.md are. */
const OTHERS_WORDS: Readonly<Record<string, 'Node' | 'OpenSSL, by Node' | 'MySQL and MariaDB' | 'no program: a symptom'>> = {
  'connect ECONNREFUSED': 'Node',
  'connect ENOENT': 'Node',
  'read ETIMEDOUT': 'Node',
  'wrong version number': 'OpenSSL, by Node',
  'unsupported protocol': 'OpenSSL, by Node',
  max_user_connections: 'MySQL and MariaDB',
  'Client does not support authentication protocol requested by server': 'MySQL and MariaDB',
  'Server shutdown in progress': 'MySQL and MariaDB',
  'Query execution was interrupted': 'MySQL and MariaDB',
  'connect ETIMEDOUT': 'Node',
  'getaddrinfo ENOTFOUND': 'Node',
  'read ECONNRESET': 'Node',
  'self-signed certificate in certificate chain': 'OpenSSL, by Node',
  'certificate has expired': 'OpenSSL, by Node',
  "Hostname/IP does not match certificate's altnames": 'Node',
  'Access denied for user': 'MySQL and MariaDB',
  'Your password has expired': 'MySQL and MariaDB',
  'Account is locked': 'MySQL and MariaDB',
  'Account is blocked': 'MySQL and MariaDB',
  'The server is currently in offline mode': 'MySQL and MariaDB',
  'Connections using insecure transport are prohibited': 'MySQL and MariaDB',
  'is not loaded': 'MySQL and MariaDB',
  'is not allowed to connect to this': 'MySQL and MariaDB',
  'Unknown database': 'MySQL and MariaDB',
  'Too many connections': 'MySQL and MariaDB',
  'is blocked because of many connection errors': 'MySQL and MariaDB',
  'The client was disconnected by the server because of inactivity': 'MySQL and MariaDB',
  'running with the --read-only option': 'MySQL and MariaDB',
  'Deadlock found when trying to get lock; try restarting transaction': 'MySQL and MariaDB',
  'Lock wait timeout exceeded; try restarting transaction': 'MySQL and MariaDB',
  "Can't create more than max_prepared_stmt_count statements": 'MySQL and MariaDB',
  "Got a packet bigger than 'max_allowed_packet' bytes": 'MySQL and MariaDB',
  "waits forever with mysql2's pool, and nothing is logged": 'no program: a symptom',
  'it does not end': 'no program: a symptom',
  'it is out of memory while the database is slow': 'no program: a symptom',
};

describe('docs/troubleshooting.md', () => {
  const texts = [...read('docs/troubleshooting.md').matchAll(/^### `(.+)`$/gm)].map(([, text = '']) => text);
  const sources = ['src', 'node_modules/mysql2/lib'].flatMap(filesIn).map(read).join('\n');

  it.each(texts.filter((text) => !(text in OTHERS_WORDS)))('has words of ours or of mysql2 as they are in the code: %s', (text) => {
    expect(sources).toContain(text);
  });

  it("has codes in its table that are the server's, with their numbers, or the driver's, or the system's", () => {
    const rows = [...read('docs/troubleshooting.md').matchAll(/^\| (`[A-Z_0-9`, ]+`) \| ([\d, ]*)\| /gm)].map(
      ([, codes = '', numbers = '']) => ({
        codes: codes.replaceAll('`', '').split(', '),
        numbers: numbers
          .split(',')
          .map((number) => number.trim())
          .filter((number) => number !== ''),
      }),
    );
    expect(rows.length).toBeGreaterThan(20);
    const known = read('node_modules/mysql2/lib/constants/errors.js');
    const wrong = rows.flatMap(({ codes, numbers }) =>
      codes.filter((code, index) =>
        code.startsWith('ER_')
          ? !known.includes(`exports.${code} = ${numbers[index]};`) && !OF_MARIADB.includes(`${code} ${numbers[index]}`)
          : numbers.length > 0 || !(code in constants.errno || OF_RESOLVERS.includes(code) || sources.includes(`'${code}'`)),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('has all the words of others that the list explains', () => {
    expect(Object.keys(OTHERS_WORDS).filter((text) => !texts.includes(text))).toEqual([]);
  });
});

function filesIn(folder: string): string[] {
  return readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|js)$/.test(name))
    .map((name) => `${folder}/${name}`);
}
