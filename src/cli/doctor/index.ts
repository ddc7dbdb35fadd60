/** The doctor: one step after the other from the URL to the session. */

export type { Diagnosis, Finding, FindingStatus } from './finding.js';
export { examine } from './doctor.js';
