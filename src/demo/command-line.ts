import { parseArgs } from 'node:util';
import { isIP } from 'node:net';

/** What `npm start` may be told. */
export interface DemoOptions {
  readonly host: string;
  readonly port: number;
  /** Operations of the sample workload per second. */
  readonly rate: number;
  /** Default: 20, or what DATABASE_URL says. */
  readonly connections: number | undefined;
  readonly help: boolean;
}

/** The command was called wrongly: exit code 2. */
export class UsageError extends Error {}

export const USAGE = `npm start -- [options]

  --port N          port of the monitoring server; 0 = a free one (default 3000, or PORT)
  --host ADDRESS    address that it listens on (default 127.0.0.1); another than this machine's own needs POOLWRIGHT_TOKEN
  --rate N          operations of the sample workload per second (default 500; 0 = none)
  --connections N   connections of the pool (default 20)
  --help            this text

With DATABASE_URL set, that database is used: no database is started, and no sample workload runs.
`;

/** @throws UsageError that names the option, what was given and what is allowed */
export function parseCommandLine(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): DemoOptions {
  const values = parse(argv);
  const host = values.host ?? '127.0.0.1';
  if (host !== 'localhost' && isIP(host) === 0) throw new UsageError(`--host must be an IP address or localhost; given: '${host}'.`);
  return {
    host,
    port: wholeNumber('--port', values.port ?? environment['PORT'] ?? '3000', 0, 65_535),
    rate: wholeNumber('--rate', values.rate ?? '500', 0, 100_000),
    connections: values.connections === undefined ? undefined : wholeNumber('--connections', values.connections, 1, 1_000),
    help: values.help === true,
  };
}

function parse(argv: readonly string[]): { host?: string; port?: string; rate?: string; connections?: string; help?: boolean } {
  try {
    const text = { type: 'string' } as const;
    return parseArgs({ args: [...argv], options: { host: text, port: text, rate: text, connections: text, help: { type: 'boolean' } } })
      .values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function wholeNumber(name: string, value: string, smallest: number, largest: number): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= smallest && number <= largest) return number;
  throw new UsageError(`${name} must be a whole number from ${smallest} to ${largest}; given: '${value}'.`);
}
