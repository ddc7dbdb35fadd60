/** Points of a pool and of its cache over time: how they are made, and how a series of them is read. Runs in a browser, too. */

export type { CachePoint } from './cache-points.js';
export { LIVE_BOUNDS_MS, type SparseCounts } from './live-buckets.js';
export { type LivePoint, PointMaker } from './live-points.js';
export { bucketsOf, type DurationName, percentilesOf, sinceWhen, pointsWithin } from './series.js';
