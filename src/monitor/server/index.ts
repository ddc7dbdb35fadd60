/** The HTTP server: access, files, peers, and the API. */

export { listen } from './listening.js';
export {
  createMonitoringServer,
  type MonitoringServer,
  type MonitoringServerOptions,
  type MonitoringServerRouter,
  startMonitoringServer,
} from './server.js';
