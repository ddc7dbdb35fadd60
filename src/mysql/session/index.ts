/** The session of one connection, followed by what is sent and what the server reports. */

export { changeOfSettings } from './changed-settings.js';
export { reportedChange } from './reported-change.js';
export { Session } from './session.js';
export { CommitWatch } from './commit-watch.js';
export { killStatement, type PlaceAtServer, resetsFully, takesTracking } from './products.js';
