/** How any table of options is read: what a row says, how a given value is checked against it, and the words of a refusal. */

import { PoolError } from './errors.js';
import { nearestName } from './nearest-name.js';

/** What an option takes, its default, and a sentence for the documentation. */
export type OptionSpec =
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly default: number | undefined; readonly about: string }
  | { readonly kind: 'boolean'; readonly default: boolean; readonly about: string }
  | { readonly kind: 'text'; readonly default: string | undefined; readonly about: string }
  | { readonly kind: 'choice'; readonly choices: readonly string[]; readonly default: string; readonly about: string }
  | { readonly kind: 'function'; readonly default: undefined; readonly about: string };

/** Each option of `table`: the given value, checked, or the default. An option given as `undefined` counts as not given. */
export function resolveFromTable(table: Readonly<Record<string, OptionSpec>>, given: object): Record<string, unknown> {
  const resolved: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    const value = (given as Record<string, unknown>)[name];
    resolved[name] = value === undefined ? spec.default : checkedValue(name, value, spec);
  }
  return resolved;
}

/** Numbers may be written as decimal digits and booleans as words, because environment variables and URLs have no types. */
function checkedValue(name: string, value: unknown, spec: OptionSpec): unknown {
  switch (spec.kind) {
    case 'number': {
      const number = typeof value === 'string' && /^(\d+|Infinity)$/.test(value.trim()) ? Number(value) : value;
      const inRange = typeof number === 'number' && number >= spec.min && number <= spec.max;
      if (!inRange || !(Number.isInteger(number) || number === Number.POSITIVE_INFINITY)) {
        throw invalid(name, value, rangeOf(spec));
      }
      return number;
    }
    case 'boolean': {
      if (value === true || value === 'true' || value === '1') return true;
      if (value === false || value === 'false' || value === '0') return false;
      throw invalid(name, value, 'true or false');
    }
    case 'text': {
      if (typeof value === 'string' && value !== '') return value;
      throw invalid(name, value, 'a text that is not empty');
    }
    case 'choice': {
      if (typeof value === 'string' && spec.choices.includes(value)) return value;
      throw invalid(name, value, `one of ${spec.choices.map((choice) => `'${choice}'`).join(', ')}`);
    }
    case 'function': {
      if (typeof value === 'function') return value;
      throw invalidUnquoted(name, value, 'a function');
    }
  }
}

function rangeOf({ min, max }: { readonly min: number; readonly max: number }): string {
  return max >= Number.MAX_SAFE_INTEGER ? `a whole number, at least ${min}` : `a whole number from ${min} to ${max}`;
}

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
export function refuseUnknownOptions(given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
    throw new PoolError('POOL_OPTION_INVALID', `Unknown option ${name}.${hint}`);
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
