/** The words in which options are refused: the name, what was given, what is allowed. */

import { PoolError } from './errors.js';
import { nearestName } from './nearest-name.js';

/** `POOL_OPTION_INVALID` for one option: its name, what was given, what is allowed. */
export function invalid(name: string, value: unknown, allowed: string): PoolError {
  return new PoolError('POOL_OPTION_INVALID', `${name} must be ${allowed}; given: ${printable(value)}.`);
}

/** The same without quoting the value: it may be a secret that was given in the wrong place. */
export function invalidUnquoted(name: string, value: unknown, allowed: string): PoolError {
  return new PoolError('POOL_OPTION_INVALID', `${name} must be ${allowed}; given: ${kindOf(value)}.`);
}

/** Whether a value may hold options: any object but an array. */
export function isOptionsObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Refuses unknown options. A misspelled one would not be in force, and nothing would show it.
 *
 * @throws PoolError `POOL_OPTION_INVALID` for the first option whose name is unknown, with the nearest known one.
 */
export function refuseUnknownOptions(given: object, known: readonly string[], of = ''): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
    throw new PoolError('POOL_OPTION_INVALID', `Unknown option ${of}${name}.${hint}`);
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}

/** Short, and without what is inside objects: an option's value may hold a secret. */
function printable(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  if (typeof value === 'function') return 'a function';
  return String(value);
}
