/** Deadlines of work, carried by the asynchronous context. */

export {
  type CallLimits,
  currentDeadline,
  either,
  stricter,
  throwIfOver,
  type WorkDeadline,
  withDeadline,
  withoutDeadline,
} from './deadline.js';
