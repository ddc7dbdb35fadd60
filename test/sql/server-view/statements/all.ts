/** The table of statements on which the reader of SQL is measured against real servers, by subject. */
import { COMMENTED } from './comments.js';
import { LITERALS } from './literals.js';
import { NAMED } from './names.js';
import { READS } from './reads.js';
import { SESSION } from './session.js';
import { SEVERAL } from './several.js';
import { TRANSACTIONS } from './transactions.js';
import { TRICKY } from './tricky.js';
import { WRITES } from './writes.js';
import type { Subject } from '../statement-row.js';

export { DIGESTS } from './digests.js';

export const SUBJECTS: readonly Subject[] = [
  ...READS,
  ...WRITES,
  ...SESSION,
  ...TRANSACTIONS,
  ...COMMENTED,
  ...LITERALS,
  ...SEVERAL,
  ...NAMED,
  ...TRICKY,
];
