/** A ledger over any store that can compare and swap: it reads a fleet's state, runs the step here, and stores the result if no other member has stored in between. */

import { pause, waitOrAbort } from '../../engine/waiting/index.js';
import type { FleetState, FleetStep, FleetLedger } from '../contract/index.js';
import { decodeState } from '../protocol/index.js';

/** What a store holds of a fleet now. */
export interface Stored {
  /** Undefined: nothing, or nothing that can be read. */
  readonly state: FleetState | undefined;
  /** Changes with each store; undefined: there is nothing yet. */
  readonly token: string | undefined;
  /** The store's own time, in milliseconds since 1970. */
  readonly now: number;
  /** Which run of which server answers: another one may have lost what was stored. */
  readonly identity: string;
}

/** Where states are kept. Both calls reject when the store cannot be asked; neither tries again by itself. */
export interface StateStore {
  read(name: string, signal: AbortSignal): Promise<Stored>;
  /**
   * Stores, if what is there is still what was read.
   *
   * @returns undefined when it was stored; else what is there now, or 'changed' when the store does not say
   */
  store(name: string, read: Stored, state: FleetState, signal: AbortSignal): Promise<Stored | 'changed' | undefined>;
  /** What was sent is lost or late: opens the connection again. */
  reconnect(): void;
  close(): Promise<void> | void;
}

/** Waits between attempts grow from the first to the longest, each with jitter: as many as contend, the sooner one of them is alone. */
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 100;
/** A ledger that is so contended does not answer in time anyway. */
const MOST_ATTEMPTS = 30;

const NEVER = new AbortController().signal;

/** A ledger over a store that can compare and swap. */
export class StoredLedger implements FleetLedger {
  /** How often another member stored in between. */
  conflicts = 0;

  constructor(
    private readonly store: StateStore,
    private readonly random: () => number = Math.random,
  ) {}

  /**
   * Runs the step on the state as it is, and stores what it makes of it.
   *
   * @throws the signal's reason when it aborts; what the store says; Error when others stored in between at each attempt
   */
  async transact<T>(name: string, step: FleetStep<T>, signal: AbortSignal = NEVER): Promise<T> {
    try {
      return await waitOrAbort(this.#transact(name, step, signal), signal);
    } catch (error) {
      // An answer that is not awaited any more must not be taken for the next one's.
      if (signal.aborted) this.store.reconnect();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.store.close();
  }

  async #transact<T>(name: string, step: FleetStep<T>, signal: AbortSignal): Promise<T> {
    let stored = await this.store.read(name, signal);
    for (let attempt = 1; ; attempt += 1) {
      const { state, reply } = step(stored.state, stored.now, stored.identity);
      if (state === stored.state) return reply;
      signal.throwIfAborted();
      const other = await this.store.store(name, stored, state, signal);
      if (other === undefined) return reply;
      this.conflicts += 1;
      if (attempt === MOST_ATTEMPTS) throw new Error(`other members stored a result first at each of ${MOST_ATTEMPTS} attempts`);
      const longest = Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS);
      await pause(this.random() * longest, { signals: [signal], hold: 'unheld' });
      signal.throwIfAborted();
      // What it said is as old as the pause.
      stored = await this.store.read(name, signal);
    }
  }
}

/** The state that a text holds. What is no state counts as none: the fleet then learns again what its members hold. */
export function stateOf(text: unknown): FleetState | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  try {
    return decodeState(text);
  } catch {
    return undefined;
  }
}
