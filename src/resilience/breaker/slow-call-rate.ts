/** Opens a breaker when this percentage of the calls in the window were slow. */

import type { CallWindow } from './call-window.js';

export class SlowCallRate {
  constructor(
    private readonly window: CallWindow,
    private readonly percent: number,
    private readonly minimumCalls: number,
  ) {}

  noteSuccess(isSlow: boolean): string | undefined {
    return isSlow ? this.#reason() : undefined;
  }

  noteFailure(): string | undefined {
    return this.#reason();
  }

  reset(): void {
    // The breaker clears the window.
  }

  #reason(): string | undefined {
    const { calls, slow } = this.window;
    const tooMany = slow > 0 && calls >= this.minimumCalls && slow * 100 >= this.percent * calls;
    return tooMany ? `${slow} of ${calls} calls were slow` : undefined;
  }
}
