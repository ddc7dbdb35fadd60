/** The step of a fleet's ledger, request by request. */

import { describe, expect, it } from 'vitest';
import type { FleetReply, FleetState } from '../../../src/fleet/contract/index.js';
import { answered, asking, decodeState, encodeState, type Holding, newHolding, step } from '../../../src/fleet/protocol/index.js';

const LEASE_MS = 10_000;

/** Some members of one fleet, on one clock, whose requests arrive at once. */
class Fleet {
  now = 1_000_000;
  state: FleetState | undefined = undefined;
  readonly holdings = new Map<string, Holding>();

  constructor(
    readonly budget: number,
    readonly processes: number,
    readonly floor = 1,
  ) {}

  renew(id: string, wanted: number): FleetReply {
    const { budget, processes, floor } = this;
    const holding = this.holdings.get(id) ?? newHolding({ id, floor, budget, processes, leaseMs: LEASE_MS });
    const sent = asking(holding, 'renew', { wanted, opening: 0 }, this.now);
    const { state, reply } = step(this.state, sent.request, this.now, 'ledger');
    this.state = decodeState(encodeState(state));
    this.holdings.set(id, answered(sent.holding, reply));
    return reply;
  }

  /** Until the ledger, which has no memory at first, grants something new. */
  learn(ids: readonly string[]): void {
    for (let turn = 0; turn < 40; turn++) {
      for (const id of ids) this.renew(id, 0);
      this.now += LEASE_MS / 10;
    }
  }
}

describe('the step', () => {
  it('grants nothing but floors while it learns', () => {
    const fleet = new Fleet(12, 3);
    expect(fleet.renew('a', 12)).toMatchObject({ lease: 1, learning: true });
    expect(fleet.renew('b', 12)).toMatchObject({ lease: 1, learning: true });
  });
});
