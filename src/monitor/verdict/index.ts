/** The one verdict on a pool's health, and the words it is said in. The dashboard enters here, so nothing of Node is imported. */

export { workOf } from './borrower.js';
export { inWordsOfCluster, type JudgedNode, type JudgedTopology } from './cluster.js';
export { type JudgedPool, type PoolVerdict, verdictOn } from './verdict.js';
export { withOutsideWarnings } from './outside-warnings.js';
export { amount, capitalised, clock, counted, duration } from './words.js';
