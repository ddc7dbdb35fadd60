/** Options of scripts, and how a script ends that is called wrongly. */
import { argv } from 'node:process';
import { parseArgs } from 'node:util';

/** Ends the process: it was called wrongly. */
export function refuse(message, usage) {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}

/**
 * The options that a script was called with; it ends with its usage when they are not what it takes.
 *
 * @param {import('node:util').ParseArgsConfig['options']} options
 * @param {string} usage
 */
export function optionsOf(options, usage) {
  try {
    return parseArgs({ args: argv.slice(2), options }).values;
  } catch (error) {
    return refuse(error.message, usage);
  }
}
