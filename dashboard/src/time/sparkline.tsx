/** A small curve without axes: the course of a figure, with the worst of it as a dot. */

import type { Frame } from '../series.js';

interface SparklineProps {
  readonly frame: Frame;
  /** One for each place of the frame's curves; null where nothing was measured. */
  readonly values: readonly (number | null)[];
  /** What is full height; default: the most of the values. */
  readonly full: number | undefined;
  /** The place of the dot. */
  readonly worst: number | undefined;
  readonly level: 'quiet' | 'warning' | 'bad';
  readonly marked: number | undefined;
}

const [WIDTH, HEIGHT, FOOT, HEAD] = [200, 36, 1, 5];

/** The words beside it say the same, so screen readers skip it. */
export function Sparkline({ frame, values, full, worst, level, marked }: SparklineProps) {
  const finite = values.filter((value) => value !== null && Number.isFinite(value)) as number[];
  const top = full ?? Math.max(...finite, Number.MIN_VALUE);
  const x = (index: number): number => (((frame.times[index] as number) - frame.from) / (frame.to - frame.from)) * WIDTH;
  const y = (value: number): number => HEIGHT - FOOT - (Math.min(top, value) / top) * (HEIGHT - FOOT - HEAD);
  const runs = runsOf(frame, values);
  const line = runs
    .map((run) => `M${run.map((index) => `${x(index).toFixed(1)},${y(values[index] as number).toFixed(1)}`).join('L')}`)
    .join('');
  const area = runs
    .map((run) => {
      const points = run.map((index) => `${x(index).toFixed(1)},${y(values[index] as number).toFixed(1)}`).join('L');
      return `M${x(run[0] as number).toFixed(1)},${HEIGHT}L${points}L${x(run.at(-1) as number).toFixed(1)},${HEIGHT}Z`;
    })
    .join('');
  const isFlat = finite.every((value) => value === 0);
  return (
    <div className={`sparkline level-${isFlat ? 'flat' : level}`} aria-hidden="true">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none">
        {isFlat ? null : <path className="area" d={area} />}
        <path className="line" d={line} vectorEffect="non-scaling-stroke" />
        {marked === undefined ? null : (
          <path className="mark" d={`M${x(marked).toFixed(1)},0V${HEIGHT}`} vectorEffect="non-scaling-stroke" />
        )}
      </svg>
      {worst === undefined ? null : (
        <span className="dot" style={{ left: `${(x(worst) / WIDTH) * 100}%`, top: `${(y(values[worst] as number) / HEIGHT) * 100}%` }} />
      )}
    </div>
  );
}

/** Places that follow each other without a gap and without an empty value. */
function runsOf({ times, gaps }: Frame, values: readonly (number | null)[]): readonly (readonly number[])[] {
  const runs: number[][] = [];
  let isOpen = false;
  for (const [index, value] of values.entries()) {
    const before = times[index - 1];
    const isAfterGap = before !== undefined && gaps.some(({ from, to }) => from >= before && to <= (times[index] as number));
    if (value === null) {
      isOpen = false;
      continue;
    }
    if (isOpen && !isAfterGap) runs.at(-1)?.push(index);
    else runs.push([index]);
    isOpen = true;
  }
  return runs;
}
