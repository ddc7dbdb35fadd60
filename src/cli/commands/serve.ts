/** The commands serve and demo: a monitoring server over a database of the user's or a private one. */

import { isIP } from 'node:net';
import { type CommandSpec, type CommandOption, defineCommand, EXIT, UsageError } from '../console/index.js';

const listening = {
  host: {
    kind: 'text',
    value: 'ADDRESS',
    default: '127.0.0.1',
    about: 'Address that the monitoring server listens on. An address other than loopback requires POOLWRIGHT_TOKEN.',
  },
  port: {
    kind: 'number',
    value: 'N',
    min: 0,
    max: 65_535,
    about: 'Its port; 0 = a free port (default PORT, otherwise 3000 for demo and 9464 for serve).',
  },
  peers: {
    kind: 'text',
    value: 'URLS',
    about:
      "Monitoring addresses of the service's other processes, separated by commas. The dashboard can show each of them (default POOLWRIGHT_PEERS).",
  },
} as const satisfies Record<string, CommandOption>;

const connections = {
  kind: 'number',
  value: 'N',
  min: 1,
  max: 1_000,
  about: 'The connectionLimit of the pool (default 20, or the value in DATABASE_URL).',
} as const satisfies CommandOption;

export const serve: CommandSpec = defineCommand({
  name: 'serve',
  summary: 'Watches the database in DATABASE_URL with its own pool and a monitoring server. Ctrl-C ends it.',
  notes: [],
  operands: [],
  options: { ...listening, connections },
  async run({ values, terminal, environment, stop }) {
    if (!hasDatabase(environment)) throw new UsageError('serve needs DATABASE_URL: mysql://user:password@host:3306/database.');
    const { runMonitor } = await import('../../demo/main.js');
    await runMonitor({ ...values, ...addressOf(values, environment, 9_464) }, terminal, stop);
    return EXIT.ok;
  },
});

export const demo: CommandSpec = defineCommand({
  name: 'demo',
  summary:
    'Runs what `npm start` runs: a private MariaDB, a pool that connects to it over verified TLS, a sample workload, and the monitoring server.',
  notes: [
    'If DATABASE_URL is set, it uses that database. It then starts no database and runs no sample workload.',
    'MariaDB must be installed (on Debian: mariadb-server-core, mariadb-client-core, openssl). Ctrl-C ends everything and leaves nothing behind.',
  ],
  operands: [],
  options: {
    ...listening,
    rate: {
      kind: 'number',
      value: 'N',
      min: 0,
      max: 100_000,
      default: 500,
      about: 'Operations of the sample workload per second; 0 = none.',
    },
    connections,
    trouble: {
      kind: 'flag',
      about:
        'Stages troubles in turn: a slow statement, a leak, an exhausted pool, a dead database, a fail-over. The page has a button for each.',
    },
  },
  async run({ values, terminal, environment, stop }) {
    const { runDemo, runMonitor } = await import('../../demo/main.js');
    const settings = { ...values, ...addressOf(values, environment, 3_000) };
    await (hasDatabase(environment) ? runMonitor(settings, terminal, stop) : runDemo(settings, terminal, stop));
    return EXIT.ok;
  },
});

function hasDatabase({ DATABASE_URL }: NodeJS.ProcessEnv): boolean {
  return DATABASE_URL !== undefined && DATABASE_URL !== '';
}

/** @throws UsageError */
function addressOf(
  { host, port }: { readonly host: string; readonly port: number | undefined },
  { PORT }: NodeJS.ProcessEnv,
  fallback: number,
): { readonly host: string; readonly port: number } {
  if (host !== 'localhost' && isIP(host) === 0) throw new UsageError(`--host must be an IP address or localhost; given: '${host}'.`);
  if (port !== undefined || PORT === undefined || PORT === '') return { host, port: port ?? fallback };
  if (!/^\d+$/.test(PORT) || Number(PORT) > 65_535) throw new UsageError(`PORT must be a whole number from 0 to 65535; given: '${PORT}'.`);
  return { host, port: Number(PORT) };
}
