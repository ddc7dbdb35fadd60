/** Loads companion packages that a user installs only when needed. */

export { requirePeer } from './optional-peer.js';
