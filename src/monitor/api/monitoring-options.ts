/** The options of what is monitored, and the probe of PgBouncer that they ask for. */

import { invalid, messageOf, PoolError } from '../../engine/index.js';
import { type PgBouncerOptions, type PgBouncerProbe, preparePgBouncerProbe } from '../../probes/index.js';
import type { ActionRecord } from '../live/index.js';
import type { BreakerSource, MetricsRegistry, PoolSource } from '../../telemetry/index.js';

/** What is monitored. */
export interface MonitoringOptions {
  /** The pools to watch: one, several, or a function that names them, such as `pools` of `poolwright`. */
  readonly pools: PoolSource;
  /** The PgBouncer to probe, or its URL; false: none. Default: the URL in `PGBOUNCER_URL`, if there is one. */
  readonly pgbouncer?: string | PgBouncerOptions | false;
  /** Breakers that belong to no pool, such as those around calls of your own. Default: none. */
  readonly breakers?: BreakerSource;
  /** The registry of prom-client that is shown as the metrics. The pools are added unless it has them. Default: a new one. */
  readonly registry?: MetricsRegistry;
  /** Called with each action of an operator: the audit log. Default: the last 100 are kept in memory only. */
  readonly onAction?: (record: ActionRecord) => void;
}

/** The names of the options of {@link MonitoringOptions}. */
export const monitoringOptionNames: readonly string[] = [
  'pools',
  'pgbouncer',
  'breakers',
  'registry',
  'onAction',
] satisfies (keyof MonitoringOptions)[];

/** The probe of the PgBouncer that the options or the environment name; `undefined` when there is none. */
export function resolveProbe(
  { pgbouncer }: Pick<MonitoringOptions, 'pgbouncer'>,
  environment: NodeJS.ProcessEnv,
): PgBouncerProbe | undefined {
  if (pgbouncer === false) return undefined;
  const given = pgbouncer ?? fromEnvironment(environment);
  if (given === undefined) return undefined;
  if (typeof given !== 'string' && (typeof given !== 'object' || given === null))
    throw invalid('pgbouncer', given, 'a URL, options, or false');
  const source = pgbouncer === undefined ? 'PGBOUNCER_URL' : 'pgbouncer';
  try {
    return preparePgBouncerProbe(given);
  } catch (error) {
    if (error instanceof TypeError) throw new PoolError('POOL_OPTION_INVALID', `${source}: ${messageOf(error)}`);
    throw error;
  }
}

function fromEnvironment({ PGBOUNCER_URL }: NodeJS.ProcessEnv): string | undefined {
  return PGBOUNCER_URL === '' ? undefined : PGBOUNCER_URL;
}
