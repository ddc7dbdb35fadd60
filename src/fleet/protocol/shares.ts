/** Max-min fair shares: who asks for little gets it, what is left is shared evenly among those who ask for more. */

import type { FleetMember } from '../contract/index.js';

/** What a share is made from. */
export type Claim = Pick<FleetMember, 'floor' | 'wanted' | 'safe' | 'lease'>;

/** The connections that each of `claims` should have, of `available` ones. Never less than its floor. */
export function sharesOf(claims: readonly Claim[], available: number): readonly number[] {
  const floors = claims.map(({ floor }) => floor);
  const wants = claims.map(({ floor, wanted }) => Math.max(floor, wanted));
  if (sum(wants) > available) return levelled(floors, wants, claims, available);
  // What nobody wants goes round up to the safe share, so that a sudden caller finds connections without asking. The rest stays free.
  const spare = claims.map(({ safe }, index) => Math.max(wants[index]!, safe));
  return sum(spare) > available ? levelled(wants, spare, claims, available) : spare;
}

/** The water level: each gets the same, but no less than its `least` and no more than its `most`. */
function levelled(least: readonly number[], most: readonly number[], claims: readonly Claim[], available: number): readonly number[] {
  const level = highestLevel(least, most, available);
  const shares = least.map((low, index) => Math.max(low, Math.min(level, most[index]!)));
  let rest = available - sum(shares);
  const canTakeOne = (index: number): boolean => shares[index] === level && most[index]! > level;
  // One more for those who have it already, then for the others in their order: nobody gives a connection up for another's turn.
  const takers = claims.map((_, index) => index).filter(canTakeOne);
  for (const index of [
    ...takers.filter((taker) => claims[taker]!.lease > level),
    ...takers.filter((taker) => claims[taker]!.lease <= level),
  ]) {
    if (rest <= 0) break;
    shares[index] = level + 1;
    rest--;
  }
  return shares;
}

/** The highest level at which all fits, found by halving; 0 when even the least does not fit. */
function highestLevel(least: readonly number[], most: readonly number[], available: number): number {
  let fits = 0;
  let fails = 1 + most.reduce((highest, each) => Math.max(highest, each), 0);
  while (fails - fits > 1) {
    const level = (fits + fails) >> 1;
    let needed = 0;
    for (let index = 0; index < least.length; index++) needed += Math.max(least[index]!, Math.min(level, most[index]!));
    if (needed <= available) fits = level;
    else fails = level;
  }
  return fits;
}

function sum(numbers: readonly number[]): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
