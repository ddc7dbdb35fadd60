/** The session of one connection, followed by what is sent and what the server reports. */

export { reportedChange } from './reported-change.js';
export { Session } from './session.js';
export { CommitWatch } from './commit-watch.js';
export { killStatement, type PlaceAtServer, resetsFully, takesTracking } from './products.js';
