/** Other monitoring servers, as the dashboard sees them through this one. */

export { PeerRefuses, type PeerReport, type PeerRequest, Peers, type PeerState, type ProcessPool, type ProcessReport } from './peers.js';
export { SharedCall } from './shared-call.js';
