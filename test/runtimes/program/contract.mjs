/** Runs the contract: what Poolwright promises on every JavaScript runtime, in plain JavaScript and without a test tool. */
import { runChecks } from './checks.mjs';
import './statements.mjs';
import './limits.mjs';
import './connections.mjs';
import './surroundings.mjs';
import './monitoring.mjs';

// A check that fails leaves open what it opened.
if (!(await runChecks())) process.exit(1);
