import { type MonitoringServer, type MonitoringServerOptions, startMonitoringServer } from '../../../src/monitor/server/server.js';

/** A monitoring server on a free port. PgBouncer is left out unless it is given. */
export function serve(options: MonitoringServerOptions): Promise<MonitoringServer> {
  return startMonitoringServer({ port: 0, pgbouncer: false, ...options });
}
