/**
 * What one member holds: the ceiling that follows from the last answer, from time and from silence. Pure: the member's loop brings the time and the counts.
 *
 * `now` is milliseconds since some fixed moment on a clock of the process's own that runs while the process stands still.
 */

import type { FleetCount, FleetReply, FleetRequest } from '../contract/index.js';
import { safeShare } from './in-force.js';

/** The part of a lease by which a member ends it before the ledger does: for clocks that run at different speeds, and for closing connections. */
const MARGIN = 1 / 5;

/** The options of a member that the protocol knows. */
export interface HoldingOptions {
  readonly id: string;
  readonly floor: number;
  readonly budget: number;
  readonly processes: number;
  readonly leaseMs: number;
}

/** A request that has no answer yet. */
interface Asked {
  readonly seq: number;
  readonly at: number;
  /** The fewest connections open since it was sent. */
  readonly openLeast: number;
}

/** What a member holds. */
export interface Holding {
  readonly options: HoldingOptions;
  readonly seq: number;
  /** The last answer's lease; the floor before the first. */
  readonly lease: number;
  /** When the lease ends, a margin before the ledger ends it; undefined before the first answer. */
  readonly endsAt: number | undefined;
  readonly safe: number;
  readonly heard: number;
  readonly open: number;
  /** The fewest connections open since the last request that was answered. */
  readonly openLeast: number;
  readonly asked: Asked | undefined;
}

/** What a request says that the holding does not know. */
export interface Wish {
  readonly wanted: number;
  /** Connections that are opening now. */
  readonly opening: number;
  readonly counted?: FleetCount;
}

/** A member that starts, with no connection and no word from the ledger. */
export function newHolding(options: HoldingOptions): Holding {
  const { floor, budget, processes } = options;
  const safe = safeShare(budget, processes, floor);
  return { options, seq: 0, lease: floor, endsAt: undefined, safe, heard: 0, open: 0, openLeast: 0, asked: undefined };
}

/** The connections that the member may have now. To be asked at each opening, and not by a timer alone: the process may have stood still. */
export function ceilingOf({ lease, endsAt, safe, options }: Holding, now: number): number {
  if (endsAt === undefined || now < endsAt) return lease;
  return Math.max(options.floor, Math.min(lease, safe));
}

/** Whether the lease is in force. */
export function isHeld({ endsAt }: Holding, now: number): boolean {
  return endsAt !== undefined && now < endsAt;
}

/** The holding after the number of open connections has changed. A connection counts until the server has closed it. */
export function withOpen(holding: Holding, open: number): Holding {
  const { asked } = holding;
  return {
    ...holding,
    open,
    openLeast: Math.min(holding.openLeast, open),
    asked: asked === undefined ? undefined : { ...asked, openLeast: Math.min(asked.openLeast, open) },
  };
}

/** The next request, and the holding that waits for its answer. An answer to an earlier request is of no use from now on. */
export function asking(
  holding: Holding,
  kind: FleetRequest['kind'],
  demand: Wish,
  now: number,
): { readonly holding: Holding; readonly request: FleetRequest } {
  const { options, open, openLeast, safe, heard } = holding;
  const seq = holding.seq + 1;
  const committed = Math.max(ceilingOf(holding, now), open + demand.opening);
  const { wanted, counted } = demand;
  const request: FleetRequest = {
    ...options,
    seq,
    kind,
    committed,
    open,
    openLeast,
    wanted,
    safe,
    heard,
    ...(counted === undefined ? {} : { counted }),
  };
  return { holding: { ...holding, seq, asked: { seq, at: now, openLeast: open } }, request };
}

/** The holding after an answer. One to any but the last request is ignored: the last one has promised not to pass what it said. */
export function answered(holding: Holding, reply: FleetReply): Holding {
  const { asked, options } = holding;
  if (asked === undefined || reply.seq !== asked.seq) return holding;
  return {
    ...holding,
    lease: reply.lease,
    endsAt: asked.at + reply.leaseMs - options.leaseMs * MARGIN,
    safe: reply.safe,
    heard: Math.max(holding.heard, reply.sampled),
    openLeast: asked.openLeast,
    asked: undefined,
  };
}
