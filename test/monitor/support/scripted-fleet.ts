/** A pool whose fleet is as a test says; it has no server, and needs none. */

import type { FleetMemberRow, FleetSnapshot } from '../../../src/fleet/contract/index.js';
import { createPool, type Pool } from '../../../src/mysql/index.js';

/** A pool with a picture of its fleet. Disposing ends it. */
export interface ScriptedFleet extends AsyncDisposable {
  readonly pool: Pool;
  /** Changes what the pool says of its fleet. */
  say(changes: Partial<FleetSnapshot>): void;
}

export function memberRow(id: string, row: Partial<FleetMemberRow> = {}): FleetMemberRow {
  return { id, lease: 20, accounted: 20, open: 12, wanted: 20, ageMs: 3_600_000, leaseLeftMs: 7_000, ...row };
}

/** A fleet of three, all well. */
export const SHOP_FLEET: FleetSnapshot = {
  name: 'shop',
  id: 'member-a',
  dryRun: false,
  phase: 'leased',
  phaseMs: 754_000,
  lease: 40,
  ceiling: 40,
  leaseMs: 10_000,
  leaseLeftMs: 7_400,
  open: 31,
  demand: 44,
  due: 0,
  floor: 2,
  safeShare: 3,
  budget: 100,
  processes: 30,
  granted: 62,
  reserved: 24,
  overhang: 0,
  members: 3,
  lost: 0,
  roster: [
    memberRow('member-b', { lease: 20, open: 3, wanted: 2, accounted: 20 }),
    memberRow('member-a', { lease: 40, accounted: 40, open: 31, wanted: 44, ageMs: 754_000 }),
    memberRow('member-c', { lease: 2, accounted: 2, open: 1, wanted: 2, ageMs: 90_000_000 }),
  ],
  ledger: { kind: 'redis', ageMs: 2_600, roundTripMs: 1.2, answers: 200, failures: 0, failure: undefined },
  denied: { budget: 0, learning: 0, ledger: 0, congestion: 0 },
  congestion: undefined,
  warnings: [],
};

export function scriptedFleet(name = 'shop'): ScriptedFleet {
  let fleet = SHOP_FLEET;
  const made = createPool({ host: '127.0.0.1', port: 1, name, minIdle: 0, connectionLimit: 50 });
  // Its own methods must not meet the picture's object in place of the pool.
  const pool = new Proxy(made, {
    get(target, property) {
      if (property === 'fleet') return fleet;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return {
    pool,
    say(changes) {
      fleet = { ...fleet, ...changes };
    },
    [Symbol.asyncDispose]: () => made.end(),
  };
}
