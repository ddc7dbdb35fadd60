/** PgBouncer's metrics, and a guard that probes it once for all who ask. */

export { pgbouncerMetrics } from './pgbouncer-metrics.js';
export { ProbeGuard } from './probe-guard.js';
