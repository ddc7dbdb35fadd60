/** Requests of members for tests, single ones and sequences by a seed. */

import type { FleetRequest } from '../../../src/fleet/contract/index.js';
import { seededRandom } from '../../engine/support/random.js';

/** A renewal of member 'a' in a fleet of 40 connections, with what a test changes. */
export function requestOf(change: Partial<FleetRequest>): FleetRequest {
  return {
    id: 'a',
    seq: 1,
    kind: 'renew',
    committed: 2,
    open: 1,
    openLeast: 1,
    wanted: 4,
    floor: 2,
    budget: 40,
    processes: 8,
    leaseMs: 10_000,
    safe: 5,
    heard: 0,
    ...change,
  };
}

/** Renewals and farewells of five members in any order, late ones too, at times that stand still, continue and leap. */
export function randomRequests(seed: number, count: number): { readonly request: FleetRequest; readonly now: number }[] {
  const random = seededRandom(seed);
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const seqs = new Map<string, number>();
  let now = 1_000_000;
  return Array.from({ length: count }, () => {
    now += random() < 0.1 ? upTo(40_000) : upTo(2_000);
    const id = 'abcde'[upTo(4)] as string;
    const seq = (seqs.get(id) ?? 0) + (random() < 0.1 ? 0 : 1);
    seqs.set(id, seq);
    const open = upTo(8);
    const leaves = random() < 0.1;
    const request = requestOf({
      id,
      seq,
      kind: leaves ? 'leave' : 'renew',
      open,
      openLeast: upTo(open),
      committed: open + upTo(3),
      wanted: upTo(30),
      budget: random() < 0.1 ? 30 : 40,
      heard: upTo(3),
      ...(random() < 0.3 ? { counted: { sample: upTo(4), connections: upTo(40) } } : {}),
    });
    return { request, now };
  });
}
