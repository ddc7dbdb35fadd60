/** What is kept of pools' past: points at falling resolution, in memory and in a file. */

export type { Stretch } from './fewer-points.js';
export { type HistoryStore, type KeptPast, openHistoryStore } from './history-store.js';
export { type KeptPoint, type PoolRecord, type Range, TIERS, Timeline } from './timeline.js';
