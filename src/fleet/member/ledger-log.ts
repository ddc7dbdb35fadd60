/** How a member fares with its ledger: answers, failures, and what an answer takes. */

import { messageOf } from '../../engine/index.js';
import type { FleetSnapshot } from '../contract/index.js';

/** Round trips that are looked at: the least of them is the way there and back, the others may have met a busy process. */
const ROUND_TRIPS = 5;
/** The first one waits for the connection too. */
const LEAST_KNOWN = 3;

/** What became of the requests of one member. */
export class LedgerLog {
  #roundTrips: number[] = [];
  #answers = 0;
  #failures = 0;
  #answeredAt: number | undefined = undefined;
  #failure: string | undefined = undefined;

  /** Why the last request failed, if it did. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** The least of the last ones, once there are some. */
  get roundTripMs(): number | undefined {
    return this.#roundTrips.length < LEAST_KNOWN ? undefined : Math.min(...this.#roundTrips);
  }

  answered(sentAt: number, now: number): void {
    this.#answers += 1;
    this.#answeredAt = sentAt;
    this.#failure = undefined;
    this.#roundTrips = [now - sentAt, ...this.#roundTrips].slice(0, ROUND_TRIPS);
  }

  failed(error: unknown): void {
    this.#failures += 1;
    this.#failure = messageOf(error);
  }

  /** The server could not be asked what the ledger wants to know. */
  countFailed(error: unknown): void {
    this.#failure ??= `the server could not be asked: ${messageOf(error)}`;
  }

  snapshot(now: number): Omit<FleetSnapshot['ledger'], 'kind'> {
    return {
      ageMs: this.#answeredAt === undefined ? undefined : now - this.#answeredAt,
      roundTripMs: this.roundTripMs,
      answers: this.#answers,
      failures: this.#failures,
      failure: this.#failure,
    };
  }
}
