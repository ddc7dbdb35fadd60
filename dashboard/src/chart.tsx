/** A chart of curves over time. */

import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

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
  /** Milliseconds since 1970. */
  readonly times: readonly number[];
  readonly curves: readonly Curve[];
  readonly from: number;
  readonly to: number;
  readonly format: (value: number) => string;
  readonly theme: string;
  /** Orders of magnitude instead of a scale from zero. */
  readonly logarithmic?: boolean;
  readonly stacked?: boolean;
  /** Where the scale ends; default: a little above what is shown. */
  readonly most?: number;
}

const HEIGHT = 170;

/** A constant of uPlot's typings only. */
// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- a const enum of a declaration file cannot be imported
const LOGARITHMIC = 3 as uPlot.Scale.Distr;

export function Chart(props: ChartProps) {
  const { title, summary, curves, theme, logarithmic = false } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const names = curves.map(({ label }) => label).join();

  useEffect(() => {
    const node = place.current;
    if (node === null) return undefined;
    const made = new uPlot(optionsOf(latest, node), dataOf(latest.current), node);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: node.clientWidth, height: HEIGHT }));
    observer.observe(node);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [theme, names, logarithmic]);

  useEffect(() => {
    plot.current?.setData(dataOf(props));
  });

  return (
    <figure className="chart">
      <figcaption>
        <h3>{title}</h3>
        <ul className="legend">
          {curves.map(({ label, colour, values, dashed }) => (
            <li key={label}>
              <span className={dashed === true ? 'swatch dashed' : 'swatch'} style={{ color: `var(${colour})` }} />
              {label} <b>{shown(values.at(-1), props.format)}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div className="plot" ref={place} role="img" aria-label={`${title}. ${summary}`} />
    </figure>
  );
}

/** One line, in 24 hours; seconds where the marks are closer than a minute. */
function timeOfDay(seconds: number, _: number, all: readonly number[]): string {
  const isFine = all.some((one) => one % 60 !== 0);
  return new Date(seconds * 1_000).toLocaleTimeString('en-GB', isFine ? {} : { hour: '2-digit', minute: '2-digit' });
}

function shown(value: number | null | undefined, format: (value: number) => string): string {
  return value == null ? '–' : format(value);
}

function dataOf({ times, curves, stacked = false }: ChartProps): uPlot.AlignedData {
  const seconds = times.map((at) => at / 1_000);
  if (!stacked) return [seconds, ...curves.map(({ values }) => [...values])];
  const sums = times.map(() => 0);
  const series = curves.map(({ values, filled }) => {
    if (filled !== true) return [...values];
    return values.map((value, index) => (sums[index] = (sums[index] as number) + (value ?? 0)));
  });
  return [seconds, ...series];
}

function optionsOf(latest: { readonly current: ChartProps }, node: HTMLElement): uPlot.Options {
  const { curves, logarithmic = false, stacked = false } = latest.current;
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const ink = colour('--muted');
  const grid = { stroke: colour('--grid'), width: 1 };
  const font = '11px system-ui, sans-serif';
  const filled = curves.map((curve, index) => ({ curve, index: index + 1 })).filter(({ curve }) => curve.filled === true);
  return {
    width: node.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: true, range: () => [latest.current.from / 1_000, latest.current.to / 1_000] },
      y: logarithmic ? { distr: LOGARITHMIC } : { range: (_, __, max) => [0, latest.current.most ?? Math.max(1, (max ?? 0) * 1.08)] },
    },
    axes: [
      { stroke: ink, font, grid, ticks: { show: false }, size: 24, space: 70, values: (_, splits) => splits.map(timeOfDay) },
      {
        stroke: ink,
        font,
        grid,
        ticks: { show: false },
        size: 62,
        values: (_, splits) => splits.map((value) => (value == null ? '' : latest.current.format(value))),
        ...(logarithmic
          ? { filter: (_, splits) => splits.map((value) => (Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6) ? value : null)) }
          : {}),
      },
    ],
    series: [
      {},
      ...curves.map((curve) => ({
        label: curve.label,
        stroke: colour(curve.colour),
        width: curve.filled === true ? 1 : 2,
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
