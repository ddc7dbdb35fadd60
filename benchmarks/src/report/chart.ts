import type { Metric } from '../scenario.js';
import { formatted } from './format.js';
import { casesOf, type Report, type Row, rowsOf } from './report.js';

const WIDTH = 860;
const LABEL_WIDTH = 210;
const VALUE_WIDTH = 170;
const BAR_HEIGHT = 16;
const ROW_HEIGHT = 22;
const HEAD_HEIGHT = 30;
const TITLE_HEIGHT = 44;
const BAR_WIDTH = WIDTH - LABEL_WIDTH - VALUE_WIDTH;

/** The fills of bars. */
export const COLOURS = { ours: '#0b6e99', rival: '#8a94a0', limit: '#cfd5db' } as const;

/** Bars of a report's first metric, one panel for each case. Every scale begins at zero and is linear; a line shows lowest and highest round. */
export function chartOf(report: Report): string {
  const [name, metric] = Object.entries(report.metrics)[0] as [string, Metric];
  const panels: string[] = [];
  let top = TITLE_HEIGHT;
  for (const caseName of casesOf(report)) {
    const rows = rowsOf(report, caseName);
    panels.push(panelOf(report, caseName, rows, name, metric, top));
    top += HEAD_HEIGHT + rows.length * ROW_HEIGHT + 10;
  }
  const title = `${report.title}: ${metric.label} (less is better)`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${top}" fill="#ffffff"/>`,
    `<text x="12" y="27" font-size="16" font-weight="600" fill="#1c2024">${escaped(title)}</text>`,
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

function panelOf(report: Report, caseName: string, rows: readonly Row[], name: string, metric: Metric, top: number): string {
  const highest = Math.max(...rows.map((row) => row.figures[name]?.median ?? 0), Number.MIN_VALUE);
  const bars = rows.map((row, index) => barOf(report, row, name, metric, highest, top + HEAD_HEIGHT + index * ROW_HEIGHT));
  return [`<text x="12" y="${top + 20}" font-weight="600" fill="#1c2024">${escaped(caseName)}</text>`, ...bars].join('\n');
}

function barOf(report: Report, row: Row, name: string, metric: Metric, highest: number, top: number): string {
  const figure = row.figures[name];
  const kind = report.ours.includes(row.contestant) ? 'ours' : report.limits.includes(row.contestant) ? 'limit' : 'rival';
  const x = (value: number): string => (LABEL_WIDTH + Math.min(value / highest, 1.02) * BAR_WIDTH).toFixed(1);
  const middle = top + BAR_HEIGHT / 2;
  const label = `<text x="${LABEL_WIDTH - 8}" y="${middle + 4}" text-anchor="end" fill="#1c2024"${kind === 'ours' ? ' font-weight="600"' : ''}>${escaped(row.contestant)}</text>`;
  const text = figure === undefined ? (row.gaveUp ?? 'not supported') : formatted(figure.median, metric);
  const value = `<text x="${WIDTH - 8}" y="${middle + 4}" text-anchor="end" fill="#1c2024">${escaped(text)}</text>`;
  if (figure === undefined) return `${label}${value}`;
  const width = Math.max((figure.median / highest) * BAR_WIDTH, 1).toFixed(1);
  return [
    label,
    `<rect x="${LABEL_WIDTH}" y="${top}" width="${width}" height="${BAR_HEIGHT}" fill="${COLOURS[kind]}"/>`,
    `<line x1="${x(figure.lowest)}" x2="${x(figure.highest)}" y1="${middle}" y2="${middle}" stroke="#1c2024" stroke-width="1.5"/>`,
    value,
  ].join('');
}

/** Text as SVG has it. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
