/** How far writes have come, and which servers have them. */

export { GtidSet, type GtidKind } from './gtid-set.js';
export { LONGEST_POSITION, Position } from './position.js';
