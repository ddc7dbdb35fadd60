import { COLOURS, escaped } from './chart.js';
import { type MeasuredGain, timesText } from './gains.js';

const WIDTH = 860;
const HEAD_HEIGHT = 66;
const ROW_HEIGHT = 30;
const BAR_HEIGHT = 16;
const LABEL_WIDTH = 220;
/** Where the bars may be, and where the figures begin. */
const BARS_TO = 600;
const FIGURES_FROM = 620;
/** The scale is logarithmic: each mark is twice the one before it. */
const MARKS = [0.5, 1, 2, 4, 8, 16, 32];
const BEHIND = '#b3541e';
const TEXT = '#1c2024';
const LINE = '#d5dae0';

/**
 * What a service gains, at one look: a bar for each figure, to the right where ours is the better one, to the left where mysql2's is. A figure whose
 * rounds disagree is grey.
 */
export function gainsChart(gains: readonly MeasuredGain[]): string {
  const height = HEAD_HEIGHT + gains.length * ROW_HEIGHT + 34;
  const bottom = height - 30;
  const marks = MARKS.map((mark) => {
    const at = positionOf(mark).toFixed(1);
    const line = `<line x1="${at}" x2="${at}" y1="${HEAD_HEIGHT - 6}" y2="${bottom}" stroke="${mark === 1 ? TEXT : LINE}" stroke-width="1"/>`;
    return `${line}<text x="${at}" y="${bottom + 18}" text-anchor="middle" fill="${TEXT}" font-size="12">${mark} ×</text>`;
  });
  const title = 'What changes with Poolwright in place of mysql2’s pool';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="26" font-size="16" font-weight="600" fill="${TEXT}">${title}</text>`,
    `<text x="12" y="46" fill="${TEXT}">mysql2’s figure divided by Poolwright’s: to the right of the line, Poolwright is better. Grey: undecided.</text>`,
    ...marks,
    ...gains.map((gain, index) => barOf(gain, HEAD_HEIGHT + index * ROW_HEIGHT)),
    '</svg>',
    '',
  ].join('\n');
}

function positionOf(ratio: number): number {
  const [first, last] = [MARKS[0] as number, MARKS.at(-1) as number];
  const share = Math.log(Math.min(Math.max(ratio, first), last) / first) / Math.log(last / first);
  return LABEL_WIDTH + share * (BARS_TO - LABEL_WIDTH);
}

function barOf({ what, own, theirs, ratio, undecided }: MeasuredGain, top: number): string {
  const [from, to] = [positionOf(1), positionOf(ratio)].toSorted((a, b) => a - b) as [number, number];
  const fill = undecided ? COLOURS.rival : ratio < 1 ? BEHIND : COLOURS.ours;
  const base = top + BAR_HEIGHT / 2 + 4;
  return [
    `<text x="${LABEL_WIDTH - 10}" y="${base}" text-anchor="end" fill="${TEXT}">${escaped(what)}</text>`,
    `<rect x="${from.toFixed(1)}" y="${top}" width="${Math.max(to - from, 1).toFixed(1)}" height="${BAR_HEIGHT}" fill="${fill}"/>`,
    `<text x="${FIGURES_FROM}" y="${base}" fill="${TEXT}"><tspan font-weight="600">${timesText(ratio, undecided)}</tspan> ${escaped(`${theirs} → ${own}`)}</text>`,
  ].join('');
}
