/** Steps that read the server's settings: version, read-only, connections, timeouts, prepared statements. */

import { sizeText } from '../../engine/index.js';
import type { Pool, ResolvedOptions } from '../../mysql/index.js';
import { pairs } from './asking.js';
import type { Finding, Recommendation } from './finding.js';
import { kindOf, type ServerKind } from './server-kind.js';

type Report = (finding: Finding) => void;

/** What the server says of its settings; names that it does not know are missing. */
export type Variables = ReadonlyMap<string, string>;

/** How many processes run a pool like this one, and whether it is meant for a replica. */
export interface Fleet {
  readonly processes: number;
  readonly replica: boolean;
}

const SESSION_VARIABLES = [
  'version_comment',
  'aurora_version',
  'max_connections',
  'max_user_connections',
  'wait_timeout',
  'max_prepared_stmt_count',
  'read_only',
  'super_read_only',
  'innodb_read_only',
  'transaction_read_only',
  'tx_read_only',
  'tidb_super_read_only',
];

export async function readVariables(pool: Pool): Promise<Variables> {
  const values = await pairs(pool, `SHOW VARIABLES WHERE Variable_name IN (${SESSION_VARIABLES.map((name) => `'${name}'`).join(', ')})`);
  const status = await pairs(
    pool,
    "SHOW GLOBAL STATUS WHERE Variable_name IN ('Threads_connected', 'Max_used_connections', 'Prepared_stmt_count')",
  );
  return new Map([...values, ...status]);
}

export function examineServer(greeting: string, host: string, version: string, variables: Variables, report: Report): ServerKind {
  const found = kindOf({
    greeting,
    host,
    version,
    versionComment: variables.get('version_comment') ?? '',
    auroraVersion: variables.get('aurora_version'),
  });
  const { kind, isProxy, version: name, note } = found;
  report({
    step: 'server',
    status: 'ok',
    message: `${kind}${isProxy ? ', in front of' : ''} ${name}${note === undefined ? '' : `. ${note}`}`,
  });
  return found;
}

const READ_ONLY = ['read_only', 'super_read_only', 'innodb_read_only', 'transaction_read_only', 'tx_read_only', 'tidb_super_read_only'];

export function examineReadOnly(variables: Variables, { replica }: Fleet, report: Report): void {
  const on = READ_ONLY.filter((name) => isOn(variables.get(name)));
  if (on.length === 0) {
    report({ step: 'read-only', status: 'ok', message: 'the server takes writes' });
    return;
  }
  const message = `the server is read-only (${on.map((name) => `${name} = ON`).join(', ')})`;
  if (replica) report({ step: 'read-only', status: 'ok', message: `${message}, as a replica should be` });
  else {
    report({
      step: 'read-only',
      status: 'fail',
      message: `${message}: writes fail with errno 1290, 1792 or 1836`,
      advice: 'Is it a replica, or is a fail-over in progress? Connect to the writer. For a pool that only reads, use --replica.',
    });
  }
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(1|on|true)$/i.test(value);
}

/** Of max_connections, what may be planned for: the rest is for administrators, backups, migrations and deployments. */
export const PLANNED_SHARE = 0.8;

export function examineMaxConnections(
  { atStart, fleet }: ResolvedOptions,
  variables: Variables,
  { processes }: Fleet,
  report: Report,
): Recommendation[] {
  const maximum = smallest(variables.get('max_connections'), variables.get('max_user_connections'));
  const wanted = atStart.connectionLimit * processes;
  const range = atStart.sizeRange === undefined ? '' : `${sizeText(atStart.sizeRange)}: `;
  const sum = `connectionLimit ${range}${atStart.connectionLimit} × ${processes} ${processes === 1 ? 'process' : 'processes'} = ${wanted}`;
  if (maximum === undefined) {
    report({ step: 'max-connections', status: 'ok', message: `${sum}; the server sets no limit` });
    return [];
  }
  const { limit, name } = maximum;
  if (fleet !== undefined && !fleet.dryRun) {
    report({
      step: 'max-connections',
      status: 'ok',
      message: `${name} = ${limit}; the fleet ${fleet.name} limits the connections, see fleet-budget`,
    });
    return [];
  }
  const others = Math.max(0, number(variables.get('threads_connected')) - 1);
  const inUse = `now ${others} others are open, at most ${number(variables.get('max_used_connections'))} were`;
  const room = Math.floor((limit * PLANNED_SHARE) / processes);
  const recommendation: Recommendation[] =
    room >= 1
      ? [
          {
            option: 'connectionLimit',
            value: room,
            why: `${processes} × ${room} is at most ${Math.round(PLANNED_SHARE * 100)} % of ${name} (${limit}); the rest is for administrators, migrations, and the overlap of a deployment`,
          },
        ]
      : [];
  if (wanted > limit) {
    report({
      step: 'max-connections',
      status: 'fail',
      message: `${sum} is above ${name} = ${limit}: under load, connections fail with errno 1040 "Too many connections"`,
      advice:
        room >= 1
          ? `Lower connectionLimit to ${room}, raise ${name}, or let the processes share one budget: docs/fleet.md.`
          : `Run fewer processes, raise ${name}, or put a proxy such as ProxySQL in between.`,
    });
    return recommendation;
  }
  if (wanted > limit * PLANNED_SHARE) {
    report({
      step: 'max-connections',
      status: 'warn',
      message: `${sum} is ${Math.round((wanted / limit) * 100)} % of ${name} = ${limit}; ${inUse}`,
      advice:
        'During a deployment, old and new processes hold connections at the same time. Leave a fifth free, or let the processes share one budget: docs/fleet.md.',
    });
    return recommendation;
  }
  report({ step: 'max-connections', status: 'ok', message: `${sum} of ${name} = ${limit}; ${inUse}` });
  return [];
}

/** 0 means no limit, for both. */
export function smallest(...values: readonly (string | undefined)[]): { readonly limit: number; readonly name: string } | undefined {
  const names = ['max_connections', 'max_user_connections'];
  return values
    .map((value, index) => ({ limit: number(value), name: names[index] as string }))
    .filter(({ limit }) => limit > 0)
    .sort((one, other) => one.limit - other.limit)[0];
}

export function examineWaitTimeout({ atStart }: ResolvedOptions, variables: Variables, report: Report): Recommendation[] {
  const seconds = number(variables.get('wait_timeout'));
  if (seconds === 0) {
    report({ step: 'wait-timeout', status: 'skip', message: 'the server does not report its wait_timeout' });
    return [];
  }
  const waitTimeoutMs = seconds * 1000;
  const { maxLifetime, idleTimeout, keepaliveInterval, minIdle } = atStart;
  const closedWhenIdle = idleTimeout > 0 && minIdle === 0 ? idleTimeout : Number.POSITIVE_INFINITY;
  const longestSilenceMs = Math.min(keepaliveInterval || Number.POSITIVE_INFINITY, maxLifetime || Number.POSITIVE_INFINITY, closedWhenIdle);
  const longestLifeMs = maxLifetime === 0 ? Number.POSITIVE_INFINITY : maxLifetime;
  const lifetime: Recommendation = {
    option: 'maxLifetime',
    value: Math.max(1_000, Math.floor(waitTimeoutMs * 0.9)),
    why: `a connection should end before the server's wait_timeout (${seconds} s) can end it`,
  };
  if (waitTimeoutMs <= longestSilenceMs) {
    report({
      step: 'wait-timeout',
      status: 'fail',
      message: `the server closes connections that are idle for wait_timeout = ${seconds} s, before the pool pings or replaces them (${inSeconds(longestSilenceMs)})`,
      advice:
        'The pool loses every idle connection, again and again. Set keepaliveInterval and maxLifetime below wait_timeout, or raise wait_timeout.',
    });
    const interval = Math.max(1, Math.floor(waitTimeoutMs / 3));
    return [
      { option: 'keepaliveInterval', value: interval, why: `idle connections are pinged before wait_timeout (${seconds} s) ends them` },
      lifetime,
    ];
  }
  if (waitTimeoutMs < longestLifeMs) {
    report({
      step: 'wait-timeout',
      status: 'warn',
      message: `wait_timeout = ${seconds} s is below maxLifetime (${inSeconds(longestLifeMs)}); the keepalive ping every ${inSeconds(keepaliveInterval)} keeps idle connections open`,
      advice:
        'The pool does not ping a connection that a borrower holds without using it, and the server closes it. Set maxLifetime below wait_timeout, and hold connections only briefly.',
    });
    return [lifetime];
  }
  report({ step: 'wait-timeout', status: 'ok', message: `wait_timeout = ${seconds} s is above maxLifetime (${inSeconds(longestLifeMs)})` });
  return [];
}

/** mysql2 keeps this many prepared statements on each connection unless `maxPreparedStatements` says otherwise. */
const MYSQL2_PREPARED_STATEMENTS = 16_000;
/** Applications whose statements are built from templates have that many. */
const FEW_STATEMENTS = 100;

export function examinePreparedStatements(
  options: ResolvedOptions,
  variables: Variables,
  { processes }: Fleet,
  report: Report,
): Recommendation[] {
  const limit = number(variables.get('max_prepared_stmt_count'));
  const together = options.atStart.connectionLimit * processes;
  const { fleet } = options;
  const wanted = fleet === undefined || fleet.dryRun || fleet.budget === 'auto' ? together : Math.min(together, fleet.budget);
  if (!variables.has('max_prepared_stmt_count') || limit < 0) {
    report({ step: 'prepared-statements', status: 'ok', message: 'the server sets no limit' });
    return [];
  }
  if (limit === 0) {
    report({
      step: 'prepared-statements',
      status: 'fail',
      message: 'prepared statements are turned off (max_prepared_stmt_count = 0): execute() fails with errno 1461',
      advice: 'Raise max_prepared_stmt_count, or use query().',
    });
    return [];
  }
  const each = Math.floor(limit / wanted);
  const inUse = number(variables.get('prepared_stmt_count'));
  const given = options.connection.maxPreparedStatements;
  const recommendation: Recommendation = {
    option: 'maxPreparedStatements',
    value: Math.max(1, each),
    why: `${wanted} connections share max_prepared_stmt_count (${limit}); mysql2 keeps up to ${MYSQL2_PREPARED_STATEMENTS} on each by default`,
  };
  const message = `max_prepared_stmt_count = ${limit} is ${each} for each of ${wanted} connections; ${inUse} are in use`;
  if (each < FEW_STATEMENTS || inUse > limit * PLANNED_SHARE) {
    report({
      step: 'prepared-statements',
      status: 'warn',
      message,
      advice: 'Raise max_prepared_stmt_count (up to 4194304 on MySQL), or limit the statements on each connection: maxPreparedStatements.',
    });
    return [recommendation];
  }
  report({ step: 'prepared-statements', status: 'ok', message });
  return given === undefined || given > each ? [recommendation] : [];
}

function number(value: string | undefined): number {
  return value === undefined ? 0 : Number(value);
}

function inSeconds(milliseconds: number): string {
  return Number.isFinite(milliseconds) ? `${Math.round(milliseconds / 1000)} s` : 'never';
}
