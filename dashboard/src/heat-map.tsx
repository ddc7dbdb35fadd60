/** A heat map: how durations are distributed over time. Its legend and its fields have their colors from one function. */

import { useEffect, useMemo, useRef, useState } from 'react';
import { LIVE_BOUNDS_MS } from '../../src/monitor/points/index.js';
import { amount, duration } from './format.js';
import { bucketsOf, type DurationName, percentilesOf, secondsOf } from './series.js';
import { type Reading, Surface } from './time/surface.js';
import { ticksOf, tickWords } from './time/ticks.js';
import { useTimeline } from './timeline.js';
import { MILLISECONDS } from './units.js';

interface HeatMapProps {
  readonly title: string;
  readonly name: DurationName;
}

const HEIGHT = 138;

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
export function HeatMap({ title, name }: HeatMapProps) {
  const { frame, theme } = useTimeline();
  const { from, to, groups, shown } = frame;
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(canvas);
  const all = bucketsOf(shown, name);
  const used = [...all.keys()].filter((bucket) => (all[bucket] as number) > 0);
  const lowest = Math.max(0, (used[0] ?? 10) - 2);
  const highest = Math.max(lowest + 12, (used.at(-1) ?? 30) + 2);
  // A column for each place in the curves, so that the crosshair means the same here.
  const counts = useMemo(() => groups.map((group) => bucketsOf(group, name)), [groups, name]);
  const most = Math.max(1, ...counts.flatMap((column) => [...column]));

  useEffect(() => {
    const node = canvas.current;
    const context = node?.getContext('2d');
    if (node == null || context == null) return;
    const scale = window.devicePixelRatio;
    node.width = node.clientWidth * scale;
    node.height = HEIGHT * scale;
    const style = getComputedStyle(document.documentElement);
    context.fillStyle = style.getPropertyValue('--grid').trim();
    // Whole pixels: between two fields no color is mixed.
    const top = (row: number): number => Math.round((row / (highest - lowest + 1)) * node.height);
    for (const bucket of decadesBetween(lowest, highest)) context.fillRect(0, top(highest - bucket), node.width, scale);
    const colours = STEPS.map((step) => style.getPropertyValue(colourOf(step)).trim());
    const left = (at: number): number => Math.round(((at - from) / (to - from)) * node.width);
    for (const [index, buckets] of counts.entries()) {
      const [first] = groups[index] ?? [];
      if (first === undefined) continue;
      const begin = left(first.at - first.sinceMs);
      const across = Math.max(1, left(frame.times[index] as number) - begin);
      for (let bucket = lowest; bucket <= highest; bucket += 1) {
        const count = buckets[bucket] ?? 0;
        if (count === 0) continue;
        const row = highest - bucket;
        context.fillStyle = colours[stepOf(count, most) - 1] as string;
        context.fillRect(begin, top(row), across, Math.max(1, top(row + 1) - top(row) - 1));
      }
    }
  }, [frame, counts, most, theme, lowest, highest, width]);

  const ticks = ticksOf(frame, width);
  const summary = used.length === 0 ? 'Nothing in this time.' : `Between ${label(used[0] as number)} and ${label(used.at(-1) as number)}.`;
  const read = (index: number): readonly Reading[] => {
    const group = groups[index] ?? [];
    const count = bucketsOf(group, name).reduce((sum, one) => sum + one, 0);
    const [p50, , p99] = percentilesOf(group, name);
    return [
      { label: 'measured per second', value: amount(count / Math.max(1, secondsOf(group))) },
      { label: 'half took up to', value: p50 == null ? '–' : duration(p50) },
      { label: '99 % took up to', value: p99 == null ? '–' : duration(p99) },
    ];
  };
  return (
    <figure className="chart">
      <figcaption>
        <h3>{title}</h3>
        <Legend most={most} />
      </figcaption>
      <div className="plot heat">
        <canvas ref={canvas} role="img" aria-label={`${title}. ${summary}`} />
        <div className="heat-axes" aria-hidden="true">
          {decadesBetween(lowest, highest).map((bucket) => (
            <span key={bucket} className="heat-decade" style={{ bottom: `${((bucket + 1 - lowest) / (highest - lowest + 1)) * 100}%` }}>
              {MILLISECONDS.label(LIVE_BOUNDS_MS[bucket] as number)}
            </span>
          ))}
          {ticks.map((at) => (
            <span key={at} className="heat-time" style={{ left: `${((at - from) / (to - from)) * 100}%` }}>
              {tickWords(at, ticks)}
            </span>
          ))}
        </div>
        <Surface title={title} read={read} />
      </div>
    </figure>
  );
}

/** Buckets that end at a power of ten: there are ten to a decade. */
function decadesBetween(lowest: number, highest: number): readonly number[] {
  return [...LIVE_BOUNDS_MS.keys()].filter((bucket) => bucket % 10 === 0 && bucket >= lowest && bucket < highest);
}

/** In pixels of the page. */
function useWidth(element: React.RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const node = element.current;
    if (node === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(node.clientWidth));
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  return width;
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
