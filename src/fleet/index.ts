/** A fleet keeps one budget of connections: what the layers above use of it. */

export type { FleetCount, FleetMismatch, FleetOptions, FleetReply, FleetRequest, FleetState, FleetStep, Ledger } from './contract/index.js';
