/** Reads of replicas: which are fit, which gets a read, and what a read must see. */

export type { ReadReason, ReadStats } from './read-counts.js';
export type { ReadableNode } from './read-target.js';
export { Reader } from './reader.js';
export { type ReadWish, ReadRouter } from './router.js';
export { drainedTogether } from './sum-of-stats.js';
export { WriteLog } from './write-log.js';
