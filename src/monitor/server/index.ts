/** The HTTP server: access, files, peers, and the API. */

export { createMonitoringServer, type MonitoringServer, startMonitoringServer } from './server.js';
