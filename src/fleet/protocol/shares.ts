/** Max-min fair shares: who asks for little gets it, what is left is shared evenly among members that ask for more. */

import type { FleetMember } from '../contract/index.js';

/** What a share is made from. */
export type Claim = Pick<FleetMember, 'floor' | 'wanted' | 'safe' | 'lease'>;

/** A claim and what it gets. */
export interface Share<C extends Claim> {
  readonly claim: C;
  readonly connections: number;
}

/** A share in the making: between its least and its most. */
interface Part<C extends Claim> extends Share<C> {
  readonly least: number;
  readonly most: number;
  connections: number;
}

/** The connections that each of `claims` should have, of `available` ones. Never less than its floor. */
export function sharesOf<C extends Claim>(claims: readonly C[], available: number): readonly Share<C>[] {
  const wants = claims.map((claim) => partOf(claim, claim.floor, claim.wanted));
  if (total(wants) > available) return levelled(wants, available);
  // What no member wants goes round up to the safe share, so that a sudden caller finds connections without asking. The rest stays free.
  const spare = wants.map(({ claim, most }) => partOf(claim, most, claim.safe));
  return total(spare) > available ? levelled(spare, available) : spare;
}

function partOf<C extends Claim>(claim: C, least: number, wished: number): Part<C> {
  const most = Math.max(least, wished);
  return { claim, least, most, connections: most };
}

/** The water level: each gets the same, but no less than its least and no more than its most. */
function levelled<C extends Claim>(parts: readonly Part<C>[], available: number): readonly Share<C>[] {
  const level = highestLevel(parts, available);
  const takers: Part<C>[] = [];
  for (const part of parts) {
    part.connections = atLevel(part, level);
    if (part.connections === level && part.most > level) takers.push(part);
  }
  // One more for members that have it already, then for the others in their order: no member gives a connection up for another's turn.
  const inOrder = [...takers.filter(({ claim }) => claim.lease > level), ...takers.filter(({ claim }) => claim.lease <= level)];
  for (const part of inOrder.slice(0, Math.max(0, available - total(parts)))) part.connections = level + 1;
  return parts;
}

function atLevel({ least, most }: Part<Claim>, level: number): number {
  return Math.max(least, Math.min(level, most));
}

/** The highest level at which all fits, found by halving; 0 when even the least does not fit. */
function highestLevel(parts: readonly Part<Claim>[], available: number): number {
  let fits = 0;
  let fails = 1;
  for (const { most } of parts) fails = Math.max(fails, most + 1);
  while (fails - fits > 1) {
    const level = (fits + fails) >> 1;
    let needed = 0;
    for (const part of parts) needed += atLevel(part, level);
    if (needed <= available) fits = level;
    else fails = level;
  }
  return fits;
}

function total(parts: readonly Share<Claim>[]): number {
  let sum = 0;
  for (const { connections } of parts) sum += connections;
  return sum;
}
