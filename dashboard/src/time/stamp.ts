/** Moments and steps of time in words of the page. */

import { clock, duration } from '../format.js';

/** The reader's time of day, with the date when it is not today's. */
export function stamp(at: number, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return isToday ? clock(at) : `${new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${clock(at)}`;
}

/** A stretch of time: the date once, when both ends have the same. */
export function stampOfSpan(from: number, to: number, now: number): string {
  const isOneDay = new Date(from).toDateString() === new Date(to).toDateString();
  return `${stamp(from, now)} to ${isOneDay ? clock(to) : stamp(to, now)}`;
}

/** '2026-11-30 02:13:05 UTC'. */
export function utc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A round duration without zeros: '30 s', '2 min', '24 h'. */
export function step(ms: number): string {
  if (ms < 60_000) return duration(ms).replace('.0 s', ' s');
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`;
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${Math.round(ms / 1_000)} s`;
}
