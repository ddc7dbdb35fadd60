/** Node's warning of a connection that is not given back, for pools whose leaks nothing else reports. */

import type { Borrowed } from '../../engine/index.js';

/** Warns of leaks while they have no other listener. */
export class LeakWarning {
  #listeners = 0;

  constructor(private readonly pool: string) {}

  /** Leaks have one more listener, which takes the place of the warning until the returned function is called. */
  replacedBy(): () => void {
    this.#listeners += 1;
    let over = false;
    return () => {
      if (!over) this.#listeners -= 1;
      over = true;
    };
  }

  warn({ id, description, heldMs, stack }: Borrowed): void {
    if (this.#listeners > 0) return;
    const message = `Pool '${this.pool}': connection #${id} has been borrowed for ${Math.round(heldMs)} ms (${description}) and was not given back.`;
    process.emitWarning(message, { code: 'POOL_LEAK', ...(stack === undefined ? {} : { detail: stack }) });
  }
}
