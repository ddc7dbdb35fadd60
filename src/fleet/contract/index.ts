/** The words in which members, ledgers and the protocol speak of a fleet. */

export type { FleetLedger, FleetStep } from './ledger.js';
export type { FleetCount, FleetMismatch, FleetReply, FleetRequest } from './messages.js';
export {
  FLEET_OPTION_NAMES,
  type FleetOptions,
  fleetOptionTable,
  type ResolvedFleetOptions,
  resolveFleetOptions,
  smallBudget,
} from './options.js';
export type { FleetChange, FleetDenial, FleetMemberRow, FleetPhase, FleetSnapshot } from './snapshot.js';
export type { FleetEvidence, FleetMember, FleetSample, FleetState } from './state.js';
