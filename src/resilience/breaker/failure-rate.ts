/** Opens a breaker when this percentage of the calls in the window failed. */

import type { CallWindow } from './call-window.js';

export class FailureRate {
  constructor(
    private readonly window: CallWindow,
    private readonly percent: number,
    private readonly minimumCalls: number,
  ) {}

  noteSuccess(): undefined {
    return undefined;
  }

  noteFailure(): string | undefined {
    const { calls, failures } = this.window;
    const tooMany = calls >= this.minimumCalls && failures * 100 >= this.percent * calls;
    return tooMany ? `${failures} of ${calls} calls failed` : undefined;
  }

  reset(): void {
    // The breaker clears the window.
  }
}
