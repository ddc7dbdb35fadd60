/** A heat map: how durations are distributed over time. */

import { useEffect, useRef } from 'react';
import { LIVE_BOUNDS_MS } from '../../src/monitor/points/index.js';
import type { LivePoint } from '../../src/monitor/points/index.js';
import { duration } from './format.js';
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
const HEIGHT = 170;

function label(bucket: number): string {
  return duration(LIVE_BOUNDS_MS[Math.min(bucket, LIVE_BOUNDS_MS.length - 1)] as number);
}

/** Durations over time: the darker a field, the more of them took as long. */
export function HeatMap({ title, points, name, from, to, theme }: HeatMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const all = bucketsOf(points, name);
  const used = [...all.keys()].filter((bucket) => (all[bucket] as number) > 0);
  const lowest = Math.max(0, (used[0] ?? 10) - 2);
  const highest = Math.max(lowest + 12, (used.at(-1) ?? 30) + 2);

  useEffect(() => {
    const node = canvas.current;
    const context = node?.getContext('2d');
    if (node == null || context == null) return;
    const scale = window.devicePixelRatio;
    node.width = node.clientWidth * scale;
    node.height = HEIGHT * scale;
    context.clearRect(0, 0, node.width, node.height);
    const style = getComputedStyle(document.documentElement);
    context.fillStyle = style.getPropertyValue('--heat').trim();
    const columns = Array.from({ length: COLUMNS }, (): LivePoint[] => []);
    for (const point of points) columns[Math.min(COLUMNS - 1, Math.floor(((point.at - from) / (to - from)) * COLUMNS))]?.push(point);
    const counts = columns.map((column) => bucketsOf(column, name));
    const most = Math.max(1, ...counts.flatMap((column) => [...column]));
    const width = node.width / COLUMNS;
    const height = node.height / (highest - lowest + 1);
    for (const [column, buckets] of counts.entries()) {
      for (let bucket = lowest; bucket <= highest; bucket += 1) {
        const count = buckets[bucket] ?? 0;
        if (count === 0) continue;
        // By its order of magnitude, so that the few slow ones are seen beside the many quick ones.
        context.globalAlpha = 0.18 + 0.82 * (Math.log1p(count) / Math.log1p(most));
        context.fillRect(column * width, (highest - bucket) * height, Math.ceil(width), Math.ceil(height) - 1);
      }
    }
  }, [points, name, from, to, theme, lowest, highest]);

  const middle = Math.round((lowest + highest) / 2);
  const summary = used.length === 0 ? 'Nothing in this time.' : `Between ${label(used[0] as number)} and ${label(used.at(-1) as number)}.`;
  return (
    <figure className="chart">
      <figcaption>
        <h3>{title}</h3>
        <p className="note">the darker, the more</p>
      </figcaption>
      <div className="heat">
        <ol aria-hidden="true">
          <li>{label(highest)}</li>
          <li>{label(middle)}</li>
          <li>{label(lowest)}</li>
        </ol>
        <canvas ref={canvas} role="img" aria-label={`${title}. ${summary}`} />
      </div>
    </figure>
  );
}
