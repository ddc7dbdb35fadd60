/** The commands of one connection: their times, their early ends, their streams, and how one is stopped. */

export { CommandClock } from './command-clock.js';
export {
  asValueError,
  callOnce,
  connectionClosed,
  connectionLost,
  failApart,
  failCommand,
  failureOfUnrun,
  isBeingPrepared,
  lastWord,
  notSent,
  refusedStatement,
  serverError,
} from './ended-commands.js';
export { interrupt, isBeingKilled } from './interruption.js';
export { stopWhenAbandoned, stopWhenLeft } from './streams.js';
