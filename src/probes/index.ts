/** Probes of neighbours: PgBouncer and Redis. */

export {
  type PgBouncerOptions,
  type PgBouncerProbe,
  type PgBouncerReason,
  type PgBouncerReport,
  type PgBouncerRow,
  preparePgBouncerProbe,
  probePgBouncer,
} from './pgbouncer.js';
export { probeRedis } from './redis.js';
