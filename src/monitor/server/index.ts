/** The HTTP server: access, files, peers, and the API. */

export { createMonitoringServer, type MonitoringServer, type MonitoringServerRouter, startMonitoringServer } from './server.js';
