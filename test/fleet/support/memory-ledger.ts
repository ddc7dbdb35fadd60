/** A ledger in memory, for tests: with a clock and an identity that the test sets. */

import type { FleetState, FleetStep, FleetLedger } from '../../../src/fleet/contract/index.js';

/** Keeps the states of fleets in this process. */
export class MemoryLedger implements FleetLedger {
  readonly states = new Map<string, FleetState>();
  identity = 'memory-1';
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  transact<Reply>(name: string, step: FleetStep<Reply>, signal?: AbortSignal): Promise<Reply> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const { state, reply } = step(this.states.get(name), this.#now(), this.identity);
    this.states.set(name, state);
    return Promise.resolve(reply);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
