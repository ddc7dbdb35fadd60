/** What an axis counts: which gridlines it may have, and labels that say exactly where they are. */

import { amount, bytes, duration } from './format.js';

/** A unit of an axis. */
export interface Unit {
  /** A value, rounded for reading. */
  readonly format: (value: number) => string;
  /** The value of a gridline, exactly. */
  readonly label: (value: number) => string;
  /** The distances that gridlines may have. */
  readonly steps: readonly number[];
}

const DECADES = [1e-2, 1e-1, 1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
const ROUND = DECADES.flatMap((decade) => [decade, 2 * decade, 5 * decade]);
const MINUTES = [1, 2, 5, 10, 30, 60].map((minutes) => minutes * 60_000);

function exact(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function exactAmount(value: number): string {
  if (value >= 1e6) return `${exact(value / 1e6)} M`;
  return value >= 1_000 ? value.toLocaleString('en').replaceAll(',', ' ') : exact(value);
}

function exactDuration(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 0.1) return `${exact(ms * 1_000)} µs`;
  if (ms < 1_000) return `${exact(ms)} ms`;
  return ms < 60_000 || ms % 60_000 !== 0 ? `${exact(ms / 1_000)} s` : `${exact(ms / 60_000)} min`;
}

/** Things that there are whole numbers of. */
export const COUNT: Unit = { format: amount, label: exactAmount, steps: ROUND.filter((step) => step >= 1) };

/** A tenth more or less does not matter in a large rate. */
function rate(value: number): string {
  return amount(value >= 100 ? Math.round(value) : value);
}

export const PER_SECOND: Unit = { format: rate, label: exactAmount, steps: ROUND };

export const MILLISECONDS: Unit = {
  format: duration,
  label: exactDuration,
  steps: [...ROUND.filter((step) => step < 60_000), ...MINUTES],
};

export const BYTES: Unit = {
  format: bytes,
  label: (value) => bytes(value).replace('.0 ', ' '),
  steps: Array.from({ length: 36 }, (_, power) => 2 ** power),
};

export const PERCENT: Unit = { format: (value) => `${Math.round(value)} %`, label: (value) => `${exact(value)} %`, steps: [25, 50] };

/** The powers of ten from below the least to above the greatest value; at least three, so that few values do not fill the chart. */
export function decadesOf(least: number, greatest: number): readonly [number, number] {
  const low = Math.floor(Math.log10(least) + 1e-9);
  const high = Math.max(low + 2, Math.ceil(Math.log10(greatest) - 1e-9));
  return [10 ** low, 10 ** high];
}
