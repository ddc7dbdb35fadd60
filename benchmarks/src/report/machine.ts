import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

/** Where and with what a run was made. */
export interface Machine {
  readonly date: string;
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  /** Which cores the contestants and the server were kept on, where the scenario asks for that. */
  readonly placement?: string;
  readonly memoryGiB: number;
  /** Processes that wanted to run when the first scenario of the run began (average over a minute). */
  readonly loadBefore: number;
  readonly node: string;
  readonly openssl: string;
  readonly server: string;
  readonly serverSettings: readonly string[];
  readonly commit: string;
  readonly versions: Readonly<Record<string, string>>;
}

const PACKAGES = [
  'poolwright',
  'mysql2',
  'mariadb',
  'tarn',
  'generic-pool',
  'sequelize-pool',
  'pg-pool',
  'knex',
  'aws-advanced-nodejs-wrapper',
];

/** Above this, other programs were at work too: building the benchmarks alone gives less. */
export const QUIET_LOAD = 0.7;

/** Taken once, before a run has made a load of its own. */
export function currentLoad(): number {
  return Math.round((loadavg()[0] as number) * 100) / 100;
}

/**
 * @param serverSettings the server's settings beyond its defaults
 * @param versions of the Node that contestants ran on
 */
export function describeMachine(
  server: string,
  loadBefore: number,
  serverSettings: readonly string[],
  versions: Readonly<Record<string, string | undefined>> = process.versions,
): Machine {
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    system: `${type()} ${release()}`,
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore,
    node: `v${versions['node']}`,
    openssl: versions['openssl'] ?? 'unknown',
    server,
    serverSettings,
    commit: commit(),
    versions: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
  };
}

function versionOf(name: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const file = folders.map((folder) => `${folder}/${name}/package.json`).find((path) => existsSync(path));
  return file === undefined ? 'unknown' : (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** The commit that was measured; "+" when files differ from it. */
function commit(): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', '../src', 'src') === '' ? '' : '+';
    return `${git('rev-parse', '--short', 'HEAD')}${changed}`;
  } catch {
    return 'unknown';
  }
}
