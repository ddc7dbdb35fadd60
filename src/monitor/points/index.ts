/** Points of a pool and of its cache over time: how they are made, and how a series of them is read. Runs in a browser, too. */

export type { CachePoint } from './cache-points.js';
export { LIVE_BOUNDS_MS, type SparseCounts, sparseOf } from './live-buckets.js';
export { COUNTER_NAMES, type LivePoint, PointMaker } from './live-points.js';
export { bucketsOf, type DurationName, inSteps, KEPT_MS, percentilesOf, sinceWhen, pointsWithin, stepOf } from './series.js';
