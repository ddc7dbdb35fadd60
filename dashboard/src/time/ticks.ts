/** Where the time axis of the charts has its marks, and what stands at them. */

import type { Span } from './window.js';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

const STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12, 24].map((hours) => hours * HOUR),
];
/** A label with some room. */
const LABEL_PX = 82;

/** Round moments of the reader's time of day, as many as have room; in milliseconds since 1970. */
export function ticksOf({ from, to }: Span, widthPx: number): readonly number[] {
  const most = Math.max(2, Math.floor(widthPx / LABEL_PX));
  const step = STEPS_MS.find((one) => (to - from) / one <= most) ?? 24 * HOUR;
  const offset = new Date(from).getTimezoneOffset() * MINUTE;
  const first = Math.ceil((from - offset) / step) * step + offset;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, index) => first + index * step);
}

/** One line, in 24 hours; seconds where the marks are closer than a minute, the date at midnight. */
export function tickWords(at: number, ticks: readonly number[]): string {
  const isFine = ticks.some((one) => one % MINUTE !== 0);
  const time = new Date(at);
  if (time.getHours() + time.getMinutes() + time.getSeconds() === 0) {
    return time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
  }
  return time.toLocaleTimeString('en-GB', isFine ? {} : { hour: '2-digit', minute: '2-digit' });
}
