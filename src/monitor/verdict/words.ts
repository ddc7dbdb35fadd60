/** Durations, counts and times of day in words. */

/** A duration in the unit that suits it: '0.25 ms', '12 ms', '3.4 s', '5 min 10 s'. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  if (ms === 0) return '0 ms';
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

/** A count or a rate, short: '12.5', '8 400', '1.2 M'. */
export function amount(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1_000) return Math.round(value).toLocaleString('en').replaceAll(',', ' ');
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}

/** The time of day. */
export function clock(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}

/** A moment as one who reads it now says it: the time of day, with the day when it was half a day ago or more. */
export function moment(at: number, now: number): string {
  if (now - at < 43_200_000) return clock(at);
  return `${new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${clock(at)}`;
}

/** '1 caller waits', '3 callers wait'. */
export function counted(count: number, one: string, many: string): string {
  return count === 1 ? `1 ${one}` : `${amount(count)} ${many}`;
}

/** The same sentence with a capital letter first. */
export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
