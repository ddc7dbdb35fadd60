/** Loads companion packages that a user installs only when needed, and Node's modules when they are needed. */

export { customInspect, nodeCrypto, nodeNet, nodeSqlite, nodeV8 } from './node-modules.js';
export { requirePeer } from './optional-peer.js';
