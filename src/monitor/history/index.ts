/** What is kept of pools' past: points at falling resolution. */

export type { Stretch } from './fewer-points.js';
export { type Range, TIERS, Timeline } from './timeline.js';
