/** The words in which members, ledgers and the protocol speak of a fleet. */

export type { FleetLedger, FleetStep } from './ledger.js';
export type { FleetCount, FleetMismatch, FleetReply, FleetRequest } from './messages.js';
export type { FleetOptions } from './options.js';
export type { FleetEvidence, FleetMember, FleetSample, FleetState } from './state.js';
