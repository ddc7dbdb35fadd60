import type { Lease } from '../../src/engine/entries/entry.js';
import type { PoolError } from '../../src/engine/contract/errors.js';
import { Waiter } from '../../src/engine/queue/wait-queue.js';
import type { SimulatedResource } from './simulated-factory.js';

export type SimulatedLease = Lease<SimulatedResource>;

/** One acquire, from its beginning to its end. */
export interface Call {
  /** The order of arrival. */
  readonly seq: number;
  /** On whose behalf, in a pool that asks. */
  readonly key: string | undefined;
  /** Those of one priority and one key, who are served in order of arrival. */
  readonly lane: string;
  /** Not before this moment may it time out. */
  readonly dueAt: number;
  /** It sees its end in the very moment; an awaited promise sees it a little later. */
  readonly immediate: boolean;
  readonly controller: AbortController | undefined;
  cancelled: boolean;
  settled: boolean;
}

/** What the world does when a call ends. */
export interface CallEnds {
  granted(call: Call, lease: SimulatedLease): void;
  refused(call: Call, error: PoolError): void;
}

/** A call that learns of its end while the pool is in the middle of it. */
export class SimulatedWaiter extends Waiter<SimulatedResource> implements Call {
  readonly immediate = true;
  cancelled = false;
  settled = false;

  constructor(
    readonly seq: number,
    readonly key: string | undefined,
    readonly lane: string,
    readonly dueAt: number,
    readonly controller: AbortController | undefined,
    private readonly ends: CallEnds,
  ) {
    super();
  }

  override granted(lease: SimulatedLease): void {
    this.ends.granted(this, lease);
  }

  override refused(error: PoolError): void {
    this.ends.refused(this, error);
  }
}
