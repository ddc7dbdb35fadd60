/** The last changes of breakers. */

import type { BreakerState } from '../../resilience/breaker/index.js';
import type { ListedBreaker, ObservedBreaker } from '../../telemetry/index.js';

/** A breaker that has changed its state. */
export interface BreakerChanged {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Null when it belongs to none. */
  readonly pool: string | null;
  readonly breaker: string;
  readonly from: BreakerState;
  readonly to: BreakerState;
  /** What opened it, in words. */
  readonly reason: string | null;
  /** Of one that opened: how many calls were let through since to try, and failed. They are no changes of their own. */
  readonly probes: number;
}

const MOST_CHANGES = 200;

/** The last changes of breakers. */
export class BreakerLog {
  #changes: BreakerChanged[] = [];
  readonly #watched = new Map<ObservedBreaker, () => void>();

  /** The last one first. */
  get changes(): readonly BreakerChanged[] {
    return this.#changes;
  }

  /** Listens to these breakers, and to no others any more. */
  watch(listed: readonly ListedBreaker[]): void {
    const wanted = new Set(listed.map(({ breaker }) => breaker));
    for (const [breaker, stop] of this.#watched) {
      if (wanted.has(breaker)) continue;
      stop();
      this.#watched.delete(breaker);
    }
    for (const { pool, name, breaker } of listed) {
      if (this.#watched.has(breaker)) continue;
      const stop = breaker.onChange(({ from, to, reason }) => {
        this.#note({ at: Date.now(), pool, breaker: name, from, to, reason, probes: 0 });
      });
      this.#watched.set(breaker, stop);
    }
  }

  stop(): void {
    this.watch([]);
  }

  #note(change: BreakerChanged): void {
    const own = this.#changes.filter(({ pool, breaker }) => pool === change.pool && breaker === change.breaker);
    const [probed, opened] = own;
    // A call that was let through to try has failed: the breaker has been open all the time.
    if (change.from === 'half-open' && change.to === 'open' && probed?.to === 'half-open' && opened?.to === 'open') {
      const others = this.#changes.filter((one) => one !== probed);
      this.#changes = others.map((one) => (one === opened ? { ...opened, probes: opened.probes + 1 } : one));
    } else this.#changes = [change, ...this.#changes.slice(0, MOST_CHANGES - 1)];
  }
}
