/** Figures in words: those of the verdict, and those that only the page needs. */

import { duration } from '../../src/monitor/verdict/index.js';

export { amount, capitalised, clock, counted, duration } from '../../src/monitor/verdict/index.js';

/** A duration that counts up on the page, without tenths. */
export function wholeSeconds(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.round(ms / 1_000))} s` : duration(ms);
}

/** The same words; a number with its unit, or with its thousands, stays in one line. */
export function unbroken(text: string): string {
  return text.replaceAll(/(\d) (?=\d{3}|m?s\b|min\b|h\b|%)/g, '$1\u00a0');
}

/** A part of a whole: '12 %'. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Math.round((part / whole) * 100)} %`;
}

/** In powers of 1024: '512 B', '1.5 MiB'. */
export function bytes(value: number): string {
  if (value < 1_024) return `${Math.round(value)} B`;
  if (value < 1_048_576) return `${(value / 1_024).toFixed(1)} KiB`;
  return value < 1_073_741_824 ? `${(value / 1_048_576).toFixed(1)} MiB` : `${(value / 1_073_741_824).toFixed(1)} GiB`;
}
