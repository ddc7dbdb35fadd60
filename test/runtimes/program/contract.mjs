/** Runs the contract: what Poolwright promises on every JavaScript runtime, in plain JavaScript and without a test tool. */
import { runChecks } from './checks.mjs';

for (const file of ['statements', 'limits', 'connections', 'surroundings', 'monitoring']) await import(`./${file}.mjs`);
// A check that fails leaves open what it opened.
if (!(await runChecks())) process.exit(1);
