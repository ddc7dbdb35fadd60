/** Connections as entries: opening, session state, cleaning, interruption, and what a borrower holds. */

export { borrow, type PoolConnection, PoolConnectionWaiter, takenBack, runToAnswer } from './borrowed-connection.js';
export { ConnectionFactory } from './connection-factory.js';
export type { ConnectionHost, LendingHooks } from './connection-host.js';
export { ConnectionWaiter } from './connection-waiter.js';
export { Killer } from './killer.js';
export { type LoneConnection, openLone } from './lone-connection.js';
export type { ManagedConnection } from './managed-connection.js';
export { connectionForOpening, StrangeConnection } from './outside-opening.js';
export { saysReadOnly, READ_ONLY_VARIABLES } from './server-role.js';
export { enqueueMeasured, enqueueTraced, isMeasured, isTraced, isWaitTraced } from './tracing.js';
