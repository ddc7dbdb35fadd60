import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

declare const gc: () => void;

/** What must not grow, at one moment. */
export interface Sample {
  readonly seconds: number;
  /** After a full garbage collection. */
  readonly heapMiB: number;
  readonly rssMiB: number;
  /** What keeps the event loop alive: sockets and timers that are still awaited. */
  readonly handles: number;
  /** Open files and sockets of the process. */
  readonly files: number;
}

export const GAUGES = ['heapMiB', 'rssMiB', 'handles', 'files'] as const;

export function sample(seconds: number): Sample {
  gc();
  const { heapUsed, rss } = process.memoryUsage();
  return {
    seconds: Math.round(seconds),
    heapMiB: heapUsed / 2 ** 20,
    rssMiB: rss / 2 ** 20,
    handles: process.getActiveResourcesInfo().length,
    files: readdirSync('/proc/self/fd').length,
  };
}

/** How a gauge moved, by least squares. */
export interface Trend {
  readonly first: number;
  readonly last: number;
  readonly lowest: number;
  readonly highest: number;
  readonly mean: number;
  readonly slopePerHour: number;
}

export function trendOf<Gauge extends string>(
  samples: readonly (Readonly<Record<Gauge, number>> & { readonly seconds: number })[],
  gauge: Gauge,
): Trend {
  const values = samples.map((one) => one[gauge]);
  const hours = samples.map(({ seconds }) => seconds / 3_600);
  const mean = average(values);
  const middle = average(hours);
  const spread = hours.reduce((sum, hour) => sum + (hour - middle) ** 2, 0);
  const together = hours.reduce((sum, hour, index) => sum + (hour - middle) * ((values[index] as number) - mean), 0);
  return {
    first: values[0] as number,
    last: values[values.length - 1] as number,
    lowest: Math.min(...values),
    highest: Math.max(...values),
    mean,
    slopePerHour: spread === 0 ? 0 : together / spread,
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The longest turn of the event loop since the last question, in milliseconds. */
export function longestTurns(): () => number {
  const monitor = monitorEventLoopDelay({ resolution: 5 });
  monitor.enable();
  return () => {
    const longest = monitor.max / 1e6;
    monitor.reset();
    return longest;
  };
}
