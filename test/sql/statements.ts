/** The table of statements on which the reader of SQL is measured against real servers, by subject. */
import { COMMENTED } from './statements-comments.js';
import { LITERALS } from './statements-literals.js';
import { NAMED } from './statements-names.js';
import { READS } from './statements-reads.js';
import { SESSION } from './statements-session.js';
import { SEVERAL } from './statements-several.js';
import { TRANSACTIONS } from './statements-transactions.js';
import { TRICKY } from './statements-tricky.js';
import { WRITES } from './statements-writes.js';
import type { Subject } from './statement-row.js';

export { DIGESTS } from './statements-digests.js';

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
