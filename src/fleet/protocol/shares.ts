/** Max-min fair shares: who asks for little gets it, what is left is shared evenly among members that ask for more. */

import type { FleetMember } from '../contract/index.js';

/** What a share is made from. */
export type Claim = Pick<FleetMember, 'floor' | 'wanted' | 'safe' | 'lease'>;

/** The connections that each of `claims` should have, in their order, of `available` ones. Never less than its floor. */
export function sharesOf(claims: readonly Claim[], available: number): readonly number[] {
  const floors = claims.map(({ floor }) => floor);
  const wants = claims.map(({ floor, wanted }) => Math.max(floor, wanted));
  if (total(wants) > available) return levelled(claims, floors, wants, available);
  // What no member wants goes round up to the safe share, so that a sudden caller finds connections without asking. The rest stays free.
  const spares = wants.map((wish, index) => Math.max(wish, (claims[index] as Claim).safe));
  return total(spares) > available ? levelled(claims, wants, spares, available) : spares;
}

/** The water level: each gets the same, but no less than its least and no more than its most. */
function levelled(claims: readonly Claim[], least: readonly number[], most: readonly number[], available: number): readonly number[] {
  const level = highestLevel(least, most, available);
  const shares = least.map((lower, index) => Math.max(lower, Math.min(level, most[index] as number)));
  let left = available - total(shares);
  if (left < 1) return shares;
  // One more for members that have it already, then for the others in their order: no member gives a connection up for another's turn.
  for (const having of [true, false]) {
    for (let index = 0; index < shares.length && left >= 1; index++) {
      if (shares[index] !== level || (most[index] as number) <= level || (claims[index] as Claim).lease > level !== having) continue;
      shares[index] = level + 1;
      left--;
    }
  }
  return shares;
}

/** The highest level at which all fits, found by halving; 0 when even the least does not fit. */
function highestLevel(least: readonly number[], most: readonly number[], available: number): number {
  let fits = 0;
  let fails = 1;
  for (const upper of most) fails = Math.max(fails, upper + 1);
  while (fails - fits > 1) {
    const level = (fits + fails) >> 1;
    if (neededAt(level, least, most) <= available) fits = level;
    else fails = level;
  }
  return fits;
}

function neededAt(level: number, least: readonly number[], most: readonly number[]): number {
  let needed = 0;
  for (let index = 0; index < least.length; index++) {
    const upper = most[index] as number;
    const lower = least[index] as number;
    needed += level < lower ? lower : level < upper ? level : upper;
  }
  return needed;
}

function total(numbers: readonly number[]): number {
  let sum = 0;
  for (const each of numbers) sum += each;
  return sum;
}
