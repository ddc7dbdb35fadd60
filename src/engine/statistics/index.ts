/** What a pool counts and measures. */

export { BUCKET_EDGES_MS, type DurationCounts, type DurationSummary, Histogram } from './histogram.js';
export { observeDurations } from './observed-durations.js';
export { BRIEF_WAIT_MS, type RecordedDuration, Statistics } from './statistics.js';
export { LabelledCounts, type PoolStats } from './stats.js';
