/** The options of a fleet. */

import type { FleetLedger } from './ledger.js';

/** How a pool shares a budget of connections with the other pools of its fleet. */
export interface FleetOptions {
  /** Names the fleet: every pool of that name on the same ledger shares the budget. */
  readonly name: string;
  /** Connections of all members together, those that kill statements included; 'auto': what the server allows, less the reserve. */
  readonly budget: number | 'auto';
  /** The part of the server's limit that 'auto' leaves to others. Default 0.2. */
  readonly reserve?: number;
  /** Connections that each member has in any case. Default 2. */
  readonly floor?: number;
  /** Members that may exist at once, those of a rolling deployment included. */
  readonly processes: number;
  /** Where the leases are kept. */
  readonly ledger: FleetLedger | 'database';
  /** How long a lease lasts, in milliseconds. Default 10 000. */
  readonly lease?: number;
  /** Keeps the pool's own limit, and shows what the fleet would have given it. Default false. */
  readonly dryRun?: boolean;
}
