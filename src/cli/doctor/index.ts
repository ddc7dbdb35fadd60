/** The doctor: one step after the other from the URL to the session. */

export { examine } from './doctor.js';
export { type Diagnosis, type Finding, type FindingStatus, type Observer, wholeStatus } from './finding.js';
export { attemptOf } from './login.js';
export { adviceOn, type Refusal } from './refusals.js';
export { kindOf } from './server-kind.js';
