/** A chart of curves over time. */

import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Frame } from './series.js';
import { type Reading, Surface } from './time/surface.js';
import { indexAt, type Timeline, useMarkedIndex, useTimeline } from './timeline.js';
import { ticksOf, tickWords } from './time/ticks.js';
import { decadesOf, type Unit } from './units.js';

/** A curve. Colours are names of custom properties of the page, so that they follow the theme. */
export interface Curve {
  readonly label: string;
  readonly colour: string;
  /** Null where there is nothing to show. */
  readonly values: readonly (number | null)[];
  readonly dashed?: boolean;
  /** Filled down to the axis, or, in a stack, to the curve below. */
  readonly filled?: boolean;
}

interface ChartProps {
  readonly title: string;
  /** What it shows in words, for screen readers. */
  readonly summary: string;
  /** A value for each time of the frame. */
  readonly curves: readonly Curve[];
  readonly unit: Unit;
  /** Orders of magnitude instead of a scale from zero. */
  readonly logarithmic?: boolean;
  readonly stacked?: boolean;
  /** Where the scale ends; default: a little above what is shown. */
  readonly most?: number;
}

type Latest = ChartProps & Pick<Timeline, 'frame'>;

const HEIGHT = 170;
/** How far the plot is from the edges: the surface over it has the same distances (time.css). */
const [ABOVE, BESIDE, AXIS_BELOW, AXIS_BESIDE] = [8, 10, 24, 62];

/** A constant of uPlot's typings only. */
// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- a const enum of a declaration file cannot be imported
const LOGARITHMIC = 3 as uPlot.Scale.Distr;

export function Chart(props: ChartProps) {
  const { title, summary, curves, unit, logarithmic = false, stacked = false } = props;
  const { frame, theme, crosshair } = useTimeline();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef<Latest>({ ...props, frame });
  latest.current = { ...props, frame };
  const names = curves.map(({ label }) => label).join();

  useEffect(() => {
    const node = place.current;
    if (node === null) return undefined;
    const made = new uPlot(optionsOf(latest, node), dataOf(latest.current), node);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: node.clientWidth, height: HEIGHT }));
    observer.observe(node);
    const off = crosshair.subscribe(() => mark(made, latest.current.frame, crosshair.moment()));
    return () => {
      off();
      observer.disconnect();
      made.destroy();
    };
  }, [theme, names, logarithmic, unit]);

  useEffect(() => {
    const made = plot.current;
    if (made === undefined) return;
    made.setData(dataOf(latest.current));
    mark(made, frame, crosshair.moment());
  }, [frame, curves]);

  // A state that no connection had is no line of its own.
  const told = curves.filter(({ values, filled }) => !stacked || filled !== true || values.some((value) => value !== 0));
  const read = (index: number): readonly Reading[] =>
    told.map(({ label, colour, values }) => ({ label, colour, value: shown(values[index], unit) }));
  return (
    <figure className="chart">
      <figcaption>
        <h3>{title}</h3>
        <Legend curves={told} unit={unit} />
      </figcaption>
      <div className="plot">
        <div ref={place} role="img" aria-label={`${title}. ${summary}`} />
        <Surface title={title} read={read} />
      </div>
    </figure>
  );
}

/** The curves with their values at the marked moment, else with the last ones. */
function Legend({ curves, unit }: Pick<ChartProps, 'curves' | 'unit'>) {
  const index = useMarkedIndex();
  return (
    <ul className={index === undefined ? 'legend' : 'legend marked'}>
      {curves.map(({ label, colour, values, dashed }) => (
        <li key={label}>
          <span className={dashed === true ? 'swatch dashed' : 'swatch'} style={{ color: `var(${colour})` }} />
          {label} <b>{shown(index === undefined ? values.at(-1) : values[index], unit)}</b>
        </li>
      ))}
    </ul>
  );
}

/** Dots on the curves. */
function mark(plot: uPlot, frame: Frame, moment: number | undefined): void {
  const index = indexAt(frame, moment);
  const left = index === undefined ? -10 : plot.valToPos((frame.times[index] as number) / 1_000, 'x');
  plot.setCursor({ left, top: left < 0 ? -10 : 0 }, false);
}

function shown(value: number | null | undefined, { format }: Unit): string {
  return value == null ? '–' : format(value);
}

/** The curves with a break where nothing was kept. */
function dataOf({ frame: { times, gaps }, curves, stacked = false }: Latest): uPlot.AlignedData {
  const sums = times.map(() => 0);
  const series = curves.map(({ values, filled }) =>
    stacked && filled === true ? values.map((value, index) => (sums[index] = (sums[index] as number) + (value ?? 0))) : [...values],
  );
  const breaks = gaps.flatMap(({ from }) => {
    const next = times.findIndex((time) => time > from);
    return next < 1 ? [] : [{ index: next, at: from + 1 }];
  });
  const seconds = times.map((at) => at / 1_000);
  for (const { index, at } of breaks.toReversed()) {
    seconds.splice(index, 0, at / 1_000);
    for (const values of series) values.splice(index, 0, null);
  }
  return [seconds, ...series];
}

function optionsOf(latest: { readonly current: Latest }, node: HTMLElement): uPlot.Options {
  const { curves, logarithmic = false, stacked = false, unit } = latest.current;
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const ink = colour('--muted');
  const grid = { stroke: colour('--grid'), width: 1 };
  const font = '11px system-ui, sans-serif';
  const filled = curves.map((curve, index) => ({ curve, index: index + 1 })).filter(({ curve }) => curve.filled === true);
  const decades = (): readonly [number, number] => {
    const values = latest.current.curves.flatMap((curve) => curve.values.filter((value) => value !== null && value > 0) as number[]);
    return values.length === 0 ? [1, 100] : decadesOf(Math.min(...values), Math.max(...values));
  };
  return {
    width: node.clientWidth,
    height: HEIGHT,
    padding: [ABOVE, BESIDE, 0, 0],
    legend: { show: false },
    cursor: { x: false, y: false, drag: { x: false, y: false }, points: { size: 7, width: 2, fill: () => colour('--surface') } },
    scales: {
      x: { time: true, range: () => [latest.current.frame.from / 1_000, latest.current.frame.to / 1_000] },
      y: logarithmic
        ? { distr: LOGARITHMIC, range: () => [...decades()] }
        : { range: (_, __, max) => [0, latest.current.most ?? Math.max(1, (max ?? 0) * 1.08)] },
    },
    axes: [
      {
        stroke: ink,
        font,
        grid,
        ticks: { show: false },
        size: AXIS_BELOW,
        splits: (plot) => ticksOf(latest.current.frame, plot.bbox.width / devicePixelRatio).map((at) => at / 1_000),
        values: (_, splits) =>
          splits.map((at) =>
            tickWords(
              at * 1_000,
              splits.map((one) => one * 1_000),
            ),
          ),
      },
      {
        stroke: ink,
        font,
        grid,
        ticks: { show: false },
        size: AXIS_BESIDE,
        incrs: [...unit.steps],
        values: (_, splits) => splits.map((value) => (value == null ? '' : unit.label(value))),
        ...(logarithmic ? { splits: (_: uPlot, __: number, low: number, high: number) => powersBetween(low, high) } : {}),
      },
    ],
    series: [
      {},
      ...curves.map((curve) => ({
        label: curve.label,
        stroke: colour(curve.colour),
        width: curve.filled === true ? 1 : 1.75,
        points: { show: false },
        spanGaps: false,
        ...(curve.dashed === true ? { dash: [6, 4] } : {}),
        ...(curve.filled === true && !stacked ? { fill: `${colour(curve.colour)}33` } : {}),
        ...(curve.filled === true && stacked && curve === filled[0]?.curve ? { fill: `${colour(curve.colour)}cc` } : {}),
      })),
    ],
    ...(stacked
      ? {
          bands: filled
            .slice(1)
            .map(({ curve, index }) => ({ series: [index, index - 1] as [number, number], fill: `${colour(curve.colour)}cc` })),
        }
      : {}),
  };
}

function powersBetween(low: number, high: number): number[] {
  const first = Math.round(Math.log10(low));
  const count = Math.round(Math.log10(high)) - first + 1;
  // As uPlot rounds them: below one, a power has as many digits as it needs.
  return Array.from({ length: Math.max(0, count) }, (_, index) => Number(`1e${first + index}`));
}
