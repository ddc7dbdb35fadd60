/** Counts wrong tokens by address, and blocks an address that sends too many. */

import { performance } from '../../engine/waiting/index.js';

const MOST_FAILURES = 20;
const WINDOW_MS = 60_000;
const MOST_ADDRESSES = 1_000;

/** Counts wrong tokens by address: after {@link MOST_FAILURES} within a minute, that address is blocked until the minute is over. */
export class FailedLogins {
  readonly #now: () => number;
  /** The oldest first. */
  readonly #failures = new Map<string, { count: number; readonly since: number }>();

  /** @param now milliseconds since some fixed moment */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How long this address must wait, in milliseconds; 0 = it may try. */
  blockedForMs(address: string): number {
    const failures = this.#failures.get(networkOf(address));
    if (failures === undefined || failures.count < MOST_FAILURES) return 0;
    return Math.max(0, failures.since + WINDOW_MS - this.#now());
  }

  note(address: string): void {
    const now = this.#now();
    const network = networkOf(address);
    const failures = this.#failures.get(network);
    if (failures !== undefined && now - failures.since < WINDOW_MS) {
      failures.count += 1;
      return;
    }
    this.#failures.delete(network);
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size < MOST_ADDRESSES) break;
      this.#failures.delete(oldest);
    }
    this.#failures.set(network, { count: 1, since: now });
  }
}

/** A client with one IPv6 address has all of its /64. */
function networkOf(address: string): string {
  return address.includes(':') && !address.includes('.') ? address.split(':').slice(0, 4).join(':') : address;
}
