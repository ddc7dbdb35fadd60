import type { Metric } from '../scenario.js';
import type { Spread } from './statistics.js';

/** A figure for people, with its unit. */
export function formatted(value: number, metric: Metric): string {
  if (metric.cap !== undefined && value >= metric.cap) return `> ${withUnit(metric.cap, metric.unit)}`;
  const text = withUnit(value, metric.unit);
  return metric.rate === undefined ? text : `${text} (${grouped(Math.round(1e9 / value))}/s)`;
}

function withUnit(value: number, unit: Metric['unit']): string {
  switch (unit) {
    case 'ns':
      return duration(value);
    case 'ms':
      return duration(value * 1e6);
    case 'bytes':
      return value < 10_000 ? `${grouped(Math.round(value))} B` : `${(value / 1024).toFixed(1)} KiB`;
    case 'percent':
      return `${value.toFixed(value < 10 ? 1 : 0)} %`;
    case 'count':
      return grouped(Math.round(value));
  }
}

function duration(ns: number): string {
  if (Math.abs(ns) < 10_000) return `${grouped(Math.round(ns))} ns`;
  if (Math.abs(ns) < 1e6) return `${(ns / 1e3).toFixed(1)} µs`;
  if (Math.abs(ns) < 1e8) return `${(ns / 1e6).toFixed(2)} ms`;
  return Math.abs(ns) < 1e10 ? `${(ns / 1e6).toFixed(0)} ms` : `${(ns / 1e9).toFixed(1)} s`;
}

function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+(?!\d))/gu, ' ');
}

/** A ratio and how it varied. "≈" when rounds disagree on who was ahead: then neither of the two is, as far as this run can show. */
export function formattedRatio({ median, lowest, highest }: Spread): string {
  const undecided = lowest < 1 && highest > 1 ? '≈ ' : '';
  return `${undecided}${times(median)} × (${times(lowest)}–${times(highest)})`;
}

function times(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0);
}
