/** PgBouncer's metrics, and a guard that probes it once for all callers. */

export { pgbouncerMetrics } from './pgbouncer-metrics.js';
export { ProbeGuard } from './probe-guard.js';
