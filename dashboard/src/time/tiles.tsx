/** Tiles: the figures that say how a pool is, each with its course over the time shown and the worst of it. */

import type { LivePool } from '../../../src/monitor/live/index.js';
import { amount, duration } from '../format.js';
import type { LivePoint } from '../../../src/monitor/points/index.js';
import { busiestOf, type DurationName, FAILED_CALLERS, type Frame, most, percentilesOf, rateOf } from '../series.js';
import { Sparkline } from './sparkline.js';
import { stamp } from './stamp.js';
import { useMarkedIndex, useTimeline } from '../timeline.js';

type Level = 'quiet' | 'warning' | 'bad';

/** What a tile shows. */
interface Tile {
  readonly name: string;
  /** One for each place of the frame's curves; null where nothing was measured, Infinity where callers failed. */
  readonly values: readonly (number | null)[];
  /** What is full height; default: the most of the values. */
  readonly full?: number | undefined;
  /** As it is now. */
  readonly now: Figure;
  readonly at: (index: number) => Figure;
}

/** A value with its unit, and whether it matters. */
interface Figure {
  readonly value: string;
  readonly unit: string;
  readonly level: Level;
}

const NOTABLE_SHARE = 0.9;
/** As long as the verdict looks back for callers that fail. */
const LATELY_MS = 10_000;

interface TilesProps {
  readonly pool: LivePool;
  readonly latency: DurationName;
  /** Whether the time shown ends now. */
  readonly isLive: boolean;
}

export function Tiles({ pool, latency, isLive }: TilesProps) {
  const { frame } = useTimeline();
  return (
    <div className="tiles">
      {tilesOf(frame, pool, latency === 'acquire' ? 'acquire' : 'query').map((tile) => (
        <TileOf key={tile.name} tile={tile} isLive={isLive} />
      ))}
    </div>
  );
}

function tilesOf({ groups, shown, to }: Frame, { stats }: LivePool, latency: 'acquire' | 'query'): readonly Tile[] {
  const busiest = groups.map(busiestOf);
  const lately = shown.filter(({ at }) => at > to - LATELY_MS);
  const waiting = groups.map((group) => most(group, (point) => point.waiting));
  const failing = groups.map((group) => rateOf(group, ...FAILED_CALLERS));
  const p99 = groups.map((group) => percentilesOf(group, latency)[2] ?? null);
  return [
    {
      name: 'In use',
      values: busiest.map(({ used }) => used),
      full: Math.max(1, ...busiest.map(({ limit }) => limit)),
      now: inUse(stats),
      at: (index) => inUse(busiest[index] as LivePoint),
    },
    { name: 'Waiting', values: waiting, now: callers(stats.waiting), at: (index) => callers(waiting[index] as number) },
    {
      name: 'Failing',
      values: failing,
      now: failures(rateOf(lately, ...FAILED_CALLERS)),
      at: (index) => failures(failing[index] as number),
    },
    {
      name: `p99 of ${latency}`,
      values: p99,
      now: latencyOf(percentilesOf(lately, latency)[2] ?? null),
      at: (index) => latencyOf(p99[index] ?? null),
    },
  ];
}

function inUse({ used, limit, waiting }: Pick<LivePoint, 'used' | 'limit' | 'waiting'>): Figure {
  const level = used >= limit && waiting > 0 ? 'bad' : used >= limit * NOTABLE_SHARE ? 'warning' : 'quiet';
  return { value: `${amount(used)} / ${amount(limit)}`, unit: 'connections', level };
}

function callers(waiting: number): Figure {
  return { value: amount(waiting), unit: waiting === 1 ? 'caller' : 'callers', level: waiting > 0 ? 'warning' : 'quiet' };
}

function failures(rate: number): Figure {
  return { value: amount(rate), unit: 'callers a second', level: rate > 0 ? 'bad' : 'quiet' };
}

/** Where callers that failed reach the percentile, it is no duration. */
function latencyOf(ms: number | null): Figure {
  if (ms === null) return { value: '–', unit: '', level: 'quiet' };
  if (!Number.isFinite(ms)) return { value: 'failed', unit: 'over 1 % of callers', level: 'bad' };
  const [value = '', unit = '', ...more] = duration(ms).split(' ');
  return more.length > 0 ? { value: duration(ms), unit: '', level: 'quiet' } : { value, unit, level: 'quiet' };
}

function TileOf({ tile: { name, values, full, now: figureNow, at }, isLive }: { readonly tile: Tile; readonly isLive: boolean }) {
  const { frame, now } = useTimeline();
  const marked = useMarkedIndex();
  const worst = worstOf(values);
  const when = (index: number): string => stamp(frame.times[index] as number, now);
  // Of the past, the worst is what one looks for.
  const index = marked ?? (isLive ? undefined : worst);
  const figure = index === undefined ? figureNow : at(index);
  const caption = index === undefined ? 'now' : marked === undefined ? `worst, at ${when(index)}` : `at ${when(index)}`;
  const isFlat = worst === undefined || values[worst] === 0;
  return (
    <div className={`tile level-${figure.level}`} role="group" aria-label={name}>
      <p className="tile-name">
        {name} <span className="note">{caption}</span>
      </p>
      <p className="tile-figure">
        <b>{figure.value}</b> <span>{figure.unit}</span>
      </p>
      <Sparkline
        frame={frame}
        values={values}
        full={full}
        worst={isFlat ? undefined : worst}
        level={isFlat ? 'quiet' : at(worst).level}
        marked={marked}
      />
      <p className="tile-worst note">{isFlat ? nothing(worst) : `worst ${short(at(worst))} at ${when(worst)}`}</p>
    </div>
  );
}

function nothing(worst: number | undefined): string {
  return worst === undefined ? 'nothing measured' : 'none in the time shown';
}

/** Units of one word that the tile has already said are left out. */
function short({ value, unit }: Figure): string {
  return unit.length > 3 ? value : `${value} ${unit}`.trim();
}

function worstOf(values: readonly (number | null)[]): number | undefined {
  let worst: number | undefined;
  for (const [index, value] of values.entries()) {
    if (value !== null && (worst === undefined || value > (values[worst] as number))) worst = index;
  }
  return worst;
}
