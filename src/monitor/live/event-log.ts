/** The last events of pools: leaks, failures to connect, changes of state. */

import { codeOf, messageOf } from '../../engine/index.js';
import type { ObservedPool } from '../../telemetry/index.js';

/** Something that happened to a pool. A repetition with nothing else between is counted. */
export interface PoolEvent {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly pool: string;
  readonly kind: 'leak' | 'leak-returned' | 'state' | 'connection-failed' | 'connect-failed' | 'connected-again';
  readonly message: string;
  /** How often, and when it began. */
  readonly count: number;
  readonly since: number;
}

const MOST_EVENTS = 100;

/** The last events of pools. */
export class EventLog {
  #events: PoolEvent[] = [];
  readonly #watched = new Map<ObservedPool, () => void>();

  /** The last one first. */
  get events(): readonly PoolEvent[] {
    return this.#events;
  }

  /** Listens to these pools, and to no others any more. */
  watch(pools: Iterable<ObservedPool>): void {
    const wanted = new Set(pools);
    for (const [pool, stop] of this.#watched) {
      if (wanted.has(pool)) continue;
      stop();
      this.#watched.delete(pool);
    }
    for (const pool of wanted) if (!this.#watched.has(pool)) this.#watched.set(pool, this.#listen(pool));
  }

  stop(): void {
    this.watch([]);
  }

  #listen(pool: ObservedPool): () => void {
    let failing = false;
    const note = (kind: PoolEvent['kind'], message: string): void => this.#note(pool.name, kind, message);
    const stops = [
      pool.watch('leakReturned', ({ id, heldMs }) => note('leak-returned', `connection #${id} came back after ${seconds(heldMs)}`)),
      pool.watch('stateChanged', ({ from, to }) => note('state', `from ${from} to ${to}`)),
      pool.watch('failed', ({ error }) => note('connection-failed', `a connection failed: ${messageOf(error)} (${codeOf(error)})`)),
      pool.watch('connectFailed', ({ error, code }) => {
        failing = true;
        note('connect-failed', `no connection could be opened: ${messageOf(error)} (${code})`);
      }),
      pool.watch('opened', () => {
        if (failing) note('connected-again', 'connections can be opened again');
        failing = false;
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Leaks are counted, not listened to: the pool prints its own warning only while it has no listener. */
  noteLeaks(pool: string, count: number): void {
    for (let leak = 0; leak < count; leak += 1)
      this.#note(pool, 'leak', 'a lent connection has run no statement for longer than leakDetectionThreshold');
  }

  #note(pool: string, kind: PoolEvent['kind'], message: string): void {
    const at = Date.now();
    const [last] = this.#events;
    if (last !== undefined && last.pool === pool && last.kind === kind && last.message === message) {
      this.#events[0] = { ...last, at, count: last.count + 1 };
      return;
    }
    this.#events = [{ at, pool, kind, message, count: 1, since: at }, ...this.#events.slice(0, MOST_EVENTS - 1)];
  }
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
