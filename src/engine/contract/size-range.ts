/** A size, or the bounds between which a pool finds it: each form in which they may be given, and the words of a refusal. */

import { invalid, isOptionsObject, refuseUnknownOptions } from './refusals.js';

/** A pool finds its size between these, both included. */
export interface SizeRange {
  readonly min: number;
  readonly max: number;
}

const DIGITS = /^\d{1,15}$/;
/** What was meant as a range, and is none. */
const LIKE_A_RANGE = /^\d+\s*[^\w\s.]/;
const RANGE = /^(\d{1,15})-(\d{1,15})$/;

/** Whether a value is meant as a range, right or wrong. */
export function isRangeLike(value: unknown): boolean {
  return isOptionsObject(value) || (typeof value === 'string' && RANGE.test(value.trim()));
}

/**
 * A size as a number, or its bounds. In text, as in a URL or the environment: 20, or 5-50.
 *
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function checkedSize(name: string, given: unknown, largest: number): number | SizeRange {
  const allowed = `a whole number from 1 to ${largest}`;
  const value = typeof given === 'string' ? readSize(given.trim()) : given;
  if (!isOptionsObject(value)) {
    if (isSize(value, largest)) return value;
    throw invalid(
      name,
      given,
      LIKE_A_RANGE.test(typeof given === 'string' || Array.isArray(given) ? String(given) : '')
        ? `${allowed}, or a range such as 5-50`
        : allowed,
    );
  }
  if (!('min' in value || 'max' in value)) throw invalid(name, given, `${allowed}, or { min, max }`);
  refuseUnknownOptions(value, ['min', 'max'], `${name}.`);
  const { min, max } = value as Readonly<Record<string, unknown>>;
  if (!isSize(min, largest)) throw invalid(`${name}.min`, min, allowed);
  if (!isSize(max, largest)) throw invalid(`${name}.max`, max, allowed);
  if (min > max) throw invalid(`${name}.min`, min, `at most ${name}.max (${max})`);
  return Object.freeze({ min, max });
}

/** A size in text, as it may be given: 20, or 5-50. */
export function sizeText(size: number | SizeRange): string {
  return typeof size === 'number' ? String(size) : `${size.min}-${size.max}`;
}

function readSize(text: string): unknown {
  if (DIGITS.test(text)) return Number(text);
  const [, min, max] = RANGE.exec(text) ?? [];
  return min === undefined ? text : { min: Number(min), max: Number(max) };
}

function isSize(value: unknown, largest: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= largest;
}
