/** The one verdict on a pool's health, and the words it is said in. The dashboard enters here, so nothing of Node is imported. */

export { type Holders, sentenceOn, workOf } from './borrower.js';
export { inWordsOfCluster, type JudgedNode, type JudgedTopology, readerTrouble } from './cluster.js';
export { type Failures, failuresIn } from './failures.js';
export type { Cause, Trouble, JudgedPool } from './finding.js';
export { findingsOn } from './findings.js';
export { cutShort, type CutShort, followed, type Incident, MOST_INCIDENTS, type Seen } from './incidents.js';
export { withOutsideWarnings } from './outside-warnings.js';
export { type Past, type PoolVerdict, verdictOn, wordsOnIncident } from './verdict.js';
export { amount, capitalised, clock, counted, duration, moment } from './words.js';
