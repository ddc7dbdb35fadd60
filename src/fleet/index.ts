/** A fleet keeps one budget of connections: what the layers above use of it. */

export type {
  FleetCount,
  FleetMismatch,
  FleetOptions,
  FleetReply,
  FleetRequest,
  FleetState,
  FleetStep,
  FleetLedger,
} from './contract/index.js';
