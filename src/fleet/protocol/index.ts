/** The protocol of a fleet: the ledger's step, and what follows from its answers for a member. All of it is pure. */

export { decodeState, encodeState } from './codec.js';
export { answered, asking, ceilingOf, type Wish, type Holding, type HoldingOptions, isHeld, newHolding, withOpen } from './holding.js';
export { safeShare } from './in-force.js';
export { type Stepped, step } from './step.js';
