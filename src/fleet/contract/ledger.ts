/** What keeps a fleet's state: an engine that is there anyway. */

import type { FleetState } from './state.js';

/** A transition of a fleet's state: pure, so that a ledger may run it again on a newer state. */
export type FleetStep<Reply> = (
  state: FleetState | undefined,
  now: number,
  identity: string,
) => {
  /** The same object as given: nothing has to be stored. */
  readonly state: FleetState;
  readonly reply: Reply;
};

/** Keeps the states of fleets by their names. */
export interface FleetLedger {
  /**
   * Reads the fleet's state, runs `step` on it, and stores the result if the state is still the one that was read; else it runs `step` again on what is there now.
   * `now` is the ledger's own clock in milliseconds, `identity` names the server that answered and changes when another takes over.
   */
  transact<Reply>(name: string, step: FleetStep<Reply>, signal?: AbortSignal): Promise<Reply>;
  close(): Promise<void>;
}
