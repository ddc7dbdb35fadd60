/** Keeps the process alive while connections are lent or waited for. */

import { setTimeout, inRootContext } from '../../engine/waiting/index.js';

/** How long the process may be kept alive after the last connection came back. */
const PERIOD_MS = 50;

/**
 * Keeps the process alive while connections are lent or waited for: their sockets do not, so that idle ones never do. One timer serves them all and
 * checks from time to time whether it is still needed, because a call to each socket at each lease would cost more than the lease.
 */
export class ProcessHold {
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(private readonly needed: () => boolean) {}

  /** To be called whenever it may be needed. */
  start(): void {
    if (this.#timer === undefined) this.#arm();
  }

  #arm(): void {
    const check = (): void => {
      this.#timer = undefined;
      if (this.needed()) this.#arm();
    };
    this.#timer = inRootContext(() => setTimeout(check, PERIOD_MS));
  }
}
