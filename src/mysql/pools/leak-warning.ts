/** Node's warning of a connection that is not given back, for pools whose leaks nothing else reports. */

import type { Borrowed } from '../../engine/index.js';
import { LeaksByPlace } from '../observation/index.js';

/** Warns of leaks while they have no other listener: once for each place and minute, with a count. */
export class LeakWarning {
  #listeners = 0;
  readonly #places = new LeaksByPlace((borrowed, count) => this.#write(borrowed, count));

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

  warn(borrowed: Borrowed): void {
    if (this.#listeners === 0) this.#places.note(borrowed);
  }

  #write({ id, description, heldMs, place, stack }: Borrowed, count: number): void {
    const from = place === undefined ? '' : `, borrowed at ${place},`;
    const more = count === 1 ? '' : ` ${count} from the same place were not released within a minute.`;
    const message = `Pool '${this.pool}': connection #${id}${from} has been held for ${Math.round(heldMs)} ms (${description}) and was not released.${more}`;
    process.emitWarning(message, { code: 'POOL_LEAK', ...(stack === undefined ? {} : { detail: stack }) });
  }
}
