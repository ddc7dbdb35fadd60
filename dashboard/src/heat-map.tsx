/** A heat map: how durations are distributed over time. Its legend and its fields have their colors from one function. */

import { useEffect, useMemo, useRef } from 'react';
import { LIVE_BOUNDS_MS } from '../../src/monitor/points/index.js';
import type { LivePoint } from '../../src/monitor/points/index.js';
import { clock, duration } from './format.js';
import { bucketsOf, type DurationName } from './series.js';

interface HeatMapProps {
  readonly title: string;
  readonly points: readonly LivePoint[];
  readonly name: DurationName;
  readonly from: number;
  readonly to: number;
  readonly theme: string;
}

const COLUMNS = 100;
const HEIGHT = 146;

/** Five steps, from few to many. */
const STEPS = [1, 2, 3, 4, 5] as const;

/** The color of a step, as any element or canvas of this theme takes it: a custom property of the page. */
function colourOf(step: number): string {
  return `--heat-${step}`;
}

/** Its step: by its order of magnitude, so that the few slow ones are seen beside the many quick ones. */
function stepOf(count: number, most: number): number {
  return Math.min(STEPS.length, 1 + Math.floor((Math.log1p(count) / Math.log1p(most)) * STEPS.length));
}

/** The smallest count of a step. */
function leastOf(step: number, most: number): number {
  return step === 1 ? 1 : Math.max(1, Math.ceil(Math.expm1(((step - 1) / STEPS.length) * Math.log1p(most)) - 1e-9));
}

function label(bucket: number): string {
  return duration(LIVE_BOUNDS_MS[Math.min(bucket, LIVE_BOUNDS_MS.length - 1)] as number);
}

/** Durations over time: each field says how many of them took as long. */
export function HeatMap({ title, points, name, from, to, theme }: HeatMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const all = bucketsOf(points, name);
  const used = [...all.keys()].filter((bucket) => (all[bucket] as number) > 0);
  const lowest = Math.max(0, (used[0] ?? 10) - 2);
  const highest = Math.max(lowest + 12, (used.at(-1) ?? 30) + 2);
  const counts = useMemo(() => {
    const columns = Array.from({ length: COLUMNS }, (): LivePoint[] => []);
    for (const point of points) columns[Math.min(COLUMNS - 1, Math.floor(((point.at - from) / (to - from)) * COLUMNS))]?.push(point);
    return columns.map((column) => bucketsOf(column, name));
  }, [points, name, from, to]);
  const most = Math.max(1, ...counts.flatMap((column) => [...column]));

  useEffect(() => {
    const node = canvas.current;
    const context = node?.getContext('2d');
    if (node == null || context == null) return;
    const scale = window.devicePixelRatio;
    node.width = node.clientWidth * scale;
    node.height = HEIGHT * scale;
    const style = getComputedStyle(document.documentElement);
    const colours = STEPS.map((step) => style.getPropertyValue(colourOf(step)).trim());
    // Whole pixels: between two fields no color is mixed.
    const left = (column: number): number => Math.round((column / COLUMNS) * node.width);
    const top = (row: number): number => Math.round((row / (highest - lowest + 1)) * node.height);
    for (const [column, buckets] of counts.entries()) {
      for (let bucket = lowest; bucket <= highest; bucket += 1) {
        const count = buckets[bucket] ?? 0;
        if (count === 0) continue;
        const row = highest - bucket;
        context.fillStyle = colours[stepOf(count, most) - 1] as string;
        context.fillRect(left(column), top(row), left(column + 1) - left(column), Math.max(1, top(row + 1) - top(row) - 1));
      }
    }
  }, [counts, most, theme, lowest, highest]);

  const middle = Math.round((lowest + highest) / 2);
  const summary = used.length === 0 ? 'Nothing in this time.' : `Between ${label(used[0] as number)} and ${label(used.at(-1) as number)}.`;
  return (
    <figure className="chart">
      <figcaption>
        <h3>{title}</h3>
        <Legend most={most} />
      </figcaption>
      <div className="heat">
        <ol className="heat-y" aria-hidden="true">
          <li>{label(highest)}</li>
          <li>{label(middle)}</li>
          <li>{label(lowest)}</li>
        </ol>
        <canvas ref={canvas} role="img" aria-label={`${title}. ${summary}`} />
        <ol className="heat-x" aria-hidden="true">
          <li>{clock(from)}</li>
          <li>{clock((from + to) / 2)}</li>
          <li>{clock(to)}</li>
        </ol>
      </div>
    </figure>
  );
}

/** How many a color means; steps that no count can have are left out. */
function Legend({ most }: { readonly most: number }) {
  const steps = STEPS.map((step) => ({
    step,
    least: leastOf(step, most),
    next: step === STEPS.length ? most + 1 : leastOf(step + 1, most),
  }));
  return (
    <ul className="legend heat-legend" aria-label="Calls in a field">
      {steps
        .filter(({ least, next }) => next > least)
        .map(({ step, least, next }) => (
          <li key={step}>
            <span className="swatch" style={{ background: `var(${colourOf(step)})` }} />
            {next - least === 1 ? least : `${least}–${next - 1}`}
          </li>
        ))}
    </ul>
  );
}
