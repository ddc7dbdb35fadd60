/** How any table of options is read: what a row says, and how a given value is checked against it. */

import { invalid, invalidUnquoted } from './refusals.js';
import { checkedSize } from './size-range.js';

/** What an option takes, its default, and a sentence for the documentation. */
export type OptionSpec =
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly default: number | undefined; readonly about: string }
  | { readonly kind: 'size'; readonly max: number; readonly default: number; readonly about: string }
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
    case 'size':
      return checkedSize(name, value, spec.max);
    case 'boolean': {
      if (value === true || value === 'true' || value === '1') return true;
      if (value === false || value === 'false' || value === '0') return false;
      throw invalid(name, value, 'true or false');
    }
    case 'text': {
      if (typeof value === 'string' && value !== '') return value;
      throw invalid(name, value, 'a string that is not empty');
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
