/** The stretch of time that the page shows: the last minutes as they pass, or a stretch of the past. */

/** From and to in milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What is shown of time. */
export interface TimeWindow {
  /** How much the live view shows, in milliseconds. While the past is shown, "Back to live" leads there. */
  readonly rangeMs: number;
  /** A stretch of the past; undefined: the page is live. */
  readonly past: Span | undefined;
}

/** The ranges to choose from: milliseconds, the name in the address, the words. */
export const RANGES: readonly (readonly [number, string, string])[] = [
  [60_000, '1m', '1 min'],
  [300_000, '5m', '5 min'],
  [600_000, '10m', '10 min'],
  [3_600_000, '1h', '1 h'],
  [21_600_000, '6h', '6 h'],
  [86_400_000, '24h', '24 h'],
];

export const DEFAULT_WINDOW: TimeWindow = { rangeMs: 300_000, past: undefined };

/** There is a point each second: nothing is gained by zooming in further. */
export const LEAST_SPAN_MS = 10_000;

/** What the window shows now. */
export function spanOf({ rangeMs, past }: TimeWindow, now: number): Span {
  return past ?? { from: now - rangeMs, to: now };
}

/** The chosen stretch, in its order, and not shorter than the least one. */
export function zoomTo(one: number, other: number): Span {
  const from = Math.min(one, other);
  const to = Math.max(one, other);
  const missing = Math.max(0, LEAST_SPAN_MS - (to - from)) / 2;
  return { from: Math.floor(from - missing), to: Math.ceil(to + missing) };
}

/** An incident with some time before and after it, so that one sees how it came and went. */
export function aroundIncident({ begin, end }: { readonly begin: number; readonly end: number | null }, now: number): Span {
  const until = end ?? now;
  const margin = Math.max(20_000, (until - begin) * 0.25);
  return zoomTo(begin - margin, Math.min(now, until + margin));
}
