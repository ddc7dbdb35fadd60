/** Waiters, in order of arrival or by fair scheduling, and when a queue counts as overload. */

export { FairQueue, PRIORITIES, type Priority } from './fair-queue.js';
export { LoadShedder } from './load-shedder.js';
export { type NextTurn, Refusals } from './refusals.js';
export { grantLease, linkSignal, refuseWaiter } from './settle-waiter.js';
export { PromiseWaiter, type Queue, Waiter, type WaiterOwner, WaitQueue } from './wait-queue.js';
