import { cacheOptionTable } from '../../src/cache/contract/options.js';
import { type OptionSpec, poolOptionTable } from '../../src/engine/index.js';
import { serverOptionTable } from '../../src/monitor/server/server-options.js';
import { healthThresholdTable } from '../../src/mysql/observation/health.js';
import { environmentName } from '../../src/mysql/options/environment.js';
import { statementRetryTable } from '../../src/mysql/options/retry-options.js';
import { breakerOptionTable } from '../../src/resilience/breaker/breaker-options.js';
import { defaultsInMysql2, mysqlOptionTable } from '../../src/mysql/options/table.js';

/** The options that hold a plain value, as the documents show them: made from the tables in the code. */
export function optionTables(): string {
  return [
    tableOf({ ...poolOptionTable, ...mysqlOptionTable }),
    '',
    'Thresholds of `pool.health()`, given as `health: { … }`:',
    '',
    tableOf(healthThresholdTable),
  ].join('\n');
}

/** The options of a cache that hold a plain value. */
export function cacheTable(): string {
  return tableOf(cacheOptionTable);
}

/** The options of the monitoring server that hold a plain value. */
export function serverTable(): string {
  return tableOf(serverOptionTable);
}

/** The options of a breaker. */
export function breakerTable(): string {
  return tableOf(breakerOptionTable);
}

/** The options of a pool's `retries`. */
export function retryTable(): string {
  return tableOf(statementRetryTable);
}

/** The options that can be given in the environment, with their defaults for code that was written for mysql2 and otherwise. */
export function environmentTable(): string {
  const rows = Object.entries({ ...poolOptionTable, ...mysqlOptionTable } as Record<string, OptionSpec>)
    .filter(([, spec]) => spec.kind !== 'function')
    .map(([name, spec]) => `| \`${environmentName(name)}\` | \`${name}\` | ${dropInDefaultOf(name, spec)} | ${defaultOf(name, spec)} |`);
  return ['| variable | option | default in ways 1 and 2 | default in way 3 |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function dropInDefaultOf(name: string, spec: OptionSpec): string {
  const value = defaultsInMysql2[name] as number | string | undefined;
  if (value === undefined) return defaultOf(name, spec);
  return typeof value === 'number' ? grouped(value) : `\`${value}\``;
}

function tableOf(table: Readonly<Record<string, OptionSpec>>): string {
  const rows = Object.entries(table).map(([name, spec]) => `| \`${name}\` | ${defaultOf(name, spec)} | ${unitOf(spec)} | ${spec.about} |`);
  return ['| option | default | takes | |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function defaultOf(name: string, spec: OptionSpec): string {
  if (name === 'name' && spec.default !== 'default') return 'database@host:port';
  if (name === 'maxIdle') return 'connectionLimit';
  if (name === 'maxLifetime') return `${grouped(spec.default as number)}; 300 000 on TiDB Cloud`;
  if (spec.default === undefined) return '—';
  return spec.kind === 'number' ? grouped(spec.default) : `\`${spec.default}\``;
}

function unitOf(spec: OptionSpec): string {
  if (spec.kind === 'boolean') return 'true, false';
  if (spec.kind === 'text') return 'text';
  if (spec.kind === 'function') return 'function';
  if (spec.kind === 'choice') return spec.choices.map((choice) => `\`${choice}\``).join(', ');
  return spec.max === 365 * 24 * 3600 * 1000 ? 'milliseconds' : 'number';
}

/** 30000 as '30 000'. */
function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ' ');
}
