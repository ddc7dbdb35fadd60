import { chartOf } from './chart.js';
import { formatted } from './format.js';
import { sizingTable } from './growth.js';
import { isRival, type Report, type Row, rowsOf } from './report.js';

/** What the README shows of the runs: what a service does most, and what hurts it, whoever is ahead. */
const HEADLINES: readonly { readonly what: string; readonly scenario: string; readonly case: string; readonly metric: string }[] = [
  { what: 'acquire and release', scenario: 'acquire', case: '1 caller', metric: 'time' },
  { what: 'a statement, 1 caller', scenario: 'query', case: 'small row, 1 caller', metric: 'time' },
  { what: 'a statement, 200 callers', scenario: 'query', case: 'small row, 200 callers', metric: 'time' },
  { what: 'the same, CPU', scenario: 'query', case: 'small row, 200 callers', metric: 'cpu' },
  { what: 'prepared, 200 callers', scenario: 'execute', case: 'small row, 200 callers', metric: 'time' },
  { what: '100 statements at once, verified TLS', scenario: 'headline', case: '100 queries, warm', metric: 'time' },
  { what: 'a short spike, until the last answer', scenario: 'spike', case: 'short: 50 × 1 query of 2 ms', metric: 'time' },
  { what: 'a long spike, until the last answer', scenario: 'spike', case: 'sustained: 50 × 10 queries of 20 ms', metric: 'time' },
  { what: 'database killed: callers get the error within', scenario: 'outage', case: 'killed', metric: 'told' },
  { what: 'a new process: first answer', scenario: 'startup', case: 'plain', metric: 'first' },
  { what: 'memory of an idle connection', scenario: 'memory', case: '200 idle connections', metric: 'bytes' },
];

const CHARTED = ['small row, 1 caller', 'small row, 200 callers'];

const OURS = 'poolwright';

/** The README's table: only what was run. */
export function readmeFigures(reports: readonly Report[]): string {
  const rows = HEADLINES.flatMap(({ what, scenario, case: caseName, metric }) => {
    const report = reports.find((one) => one.scenario === scenario);
    if (report === undefined) return [];
    const measured = rowsOf(report, caseName).filter(({ figures }) => figures[metric] !== undefined);
    const own = measured.find(({ contestant }) => contestant === OURS);
    if (own === undefined) return [];
    const others = measured.filter(({ contestant }) => isRival(report, contestant) && contestant !== 'mysql2');
    const [best] = others.toSorted((one, other) => median(one, metric) - median(other, metric));
    const mysql2 = measured.find(({ contestant }) => contestant === 'mysql2');
    return [`| ${what} | ${[own, mysql2, best].map((row) => cell(report, row, metric)).join(' | ')} |`];
  });
  if (rows.length === 0) return 'No run has been saved yet: `npm run bench` makes one.';
  return ['| | Poolwright | mysql2 | best of the others |', '| --- | ---: | ---: | ---: |', ...rows].join('\n');
}

/** The README's chart: a statement, by one caller and by many. */
export function readmeChart(reports: readonly Report[]): string | undefined {
  const report = reports.find(({ scenario }) => scenario === 'query');
  return report === undefined ? undefined : chartOf({ ...report, rows: CHARTED.flatMap((name) => rowsOf(report, name)) });
}

/** The measurements behind the arithmetic of docs/infrastructure.md. */
export function sizingFigures(reports: readonly Report[]): string {
  const report = reports.find(({ scenario }) => scenario === 'sizing');
  if (report === undefined) return 'No run has been saved yet: `npm run bench -- sizing` makes one.';
  return sizingTable(report).join('\n').trimEnd();
}

const median = (row: Row, metric: string): number => row.figures[metric]?.median ?? Number.POSITIVE_INFINITY;

/** The figure, whose it is where the column does not say it, and how many times ours it is. */
function cell(report: Report, row: Row | undefined, name: string): string {
  const metric = report.metrics[name];
  if (row === undefined || metric === undefined) return '—';
  const { rate: _, ...plain } = metric;
  const figure = formatted(median(row, name), plain);
  if (row.contestant === OURS) return figure;
  const who = row.contestant === 'mysql2' ? '' : `${row.contestant}: `;
  const ratio = row.ratios[name]?.[OURS];
  if (ratio === undefined) return `${who}${figure}`;
  const undecided = ratio.lowest < 1 && ratio.highest > 1;
  const times = `${undecided ? '≈ ' : ''}${ratio.median.toFixed(2)} ×`;
  return `${who}${figure}, ${ratio.median < 1 && !undecided ? `**${times}**` : times}`;
}
