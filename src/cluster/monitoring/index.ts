/** Nodes that are watched: looks, states, who is in the cluster, and which node takes writes. */

export { ClusterNode, type NodeParts } from './cluster-node.js';
export { type DetectedNode, FailureDetector } from './failure-detector.js';
export { type Look, type Looker, ServerLooker } from './looker.js';
export { nodeName } from './node-name.js';
export { NodeWatch, type WatchOwner } from './node-watch.js';
export { type MakeLooker, Roster, type RosterOwner } from './roster.js';
export { type Candidate, chooseWriter, type WriterChoice } from './writer-choice.js';
