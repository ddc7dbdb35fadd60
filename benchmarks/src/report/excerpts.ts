import { formatted } from './format.js';
import { measuredGains, timesText } from './gains.js';
import { sizingTable } from './growth.js';
import { isRival, type Report, type Row, rowsOf } from './report.js';

const BURST = 'short: 50 × 1 query of 2 ms';

/** The rows of the README's table: what a service does most, and what hurts it, no matter which pool is ahead. */
const HEADLINES: readonly { readonly what: string; readonly scenario: string; readonly case: string; readonly metric: string }[] = [
  { what: 'acquire and release', scenario: 'acquire', case: '1 caller', metric: 'time' },
  { what: 'a statement, 1 caller', scenario: 'processes', case: 'query, 1 caller', metric: 'time' },
  { what: 'a statement, 200 callers', scenario: 'processes', case: 'query, 200 callers', metric: 'time' },
  { what: 'the same, beside other clients', scenario: 'processes', case: 'query in company, 200 callers', metric: 'time' },
  { what: 'a statement, 200 callers, CPU time', scenario: 'processes', case: 'query, 200 callers', metric: 'cpu' },
  { what: 'a prepared statement, 200 callers', scenario: 'processes', case: 'execute, 200 callers', metric: 'time' },
  { what: '100 statements at once, verified TLS', scenario: 'headline', case: '100 queries, warm', metric: 'time' },
  { what: 'a short spike, until the last answer', scenario: 'spike', case: BURST, metric: 'time' },
  { what: 'a long spike, until the last answer', scenario: 'spike', case: 'sustained: 50 × 10 queries of 20 ms', metric: 'time' },
  { what: 'database killed: callers get the error within', scenario: 'outage', case: 'killed', metric: 'told' },
  { what: 'a new process: first answer', scenario: 'startup', case: 'plain', metric: 'first' },
  { what: 'memory of an idle connection', scenario: 'memory', case: '200 idle connections', metric: 'bytes' },
];

const OURS = 'poolwright';

/** The README's figures: the one that says most, and behind it a table of what was run. */
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
  return [
    ...burstOf(reports),
    ...chartInWords(reports),
    '<details>',
    '<summary>More figures, including the cases in which another pool is ahead</summary>',
    '',
    'Less is better. Each figure is a median. The factor after a figure is that figure divided by Poolwright’s. **Bold**: Poolwright is worse. "≈": the rounds of the run disagree on which pool is ahead. The figures of a statement are those of a separate process for each pool; beside other clients, the process also works with the other pools.',
    '',
    '| | Poolwright | mysql2 | best of the others |',
    '| --- | ---: | ---: | ---: |',
    ...rows,
    '',
    '</details>',
  ].join('\n');
}

/** The burst of callers in words. Nothing if it was not run. */
function burstOf(reports: readonly Report[]): string[] {
  const report = reports.find(({ scenario }) => scenario === 'spike');
  const [own, mysql2] = [OURS, 'mysql2'].map((name) =>
    report?.rows.find(({ contestant, case: caseName }) => contestant === name && caseName === BURST),
  );
  if (own === undefined || mysql2 === undefined) return [];
  return [
    `**When 50 callers arrive at once, the last one has its answer after ${Math.round(median(own, 'time'))} ms; with mysql2's own pool, after ${Math.round(median(mysql2, 'time'))} ms.** ` +
      `Each pool starts with 5 open connections. mysql2's pool opens a connection for each caller that finds none free, and that caller waits for it. Poolwright gives each caller the first connection that becomes free: at the end, it has ${median(own, 'open')} connections, and mysql2's pool has ${median(mysql2, 'open')}. ` +
      '(A statement takes 2 ms on the server. A connection takes 150 ms to open.)',
    '',
  ];
}

/** The chart, which says the same to those that do not see it. */
function chartInWords(reports: readonly Report[]): string[] {
  const gains = measuredGains(reports);
  const words = gains.map(({ what, ratio, undecided }) => `${what}: ${timesText(ratio, undecided)}`).join('; ');
  return gains.length === 0 ? [] : [`![mysql2’s figure divided by Poolwright’s. ${words}](benchmarks/results/gains.svg)`, ''];
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
  const times = timesText(ratio.median, undecided);
  return `${who}${figure}, ${ratio.median < 1 && !undecided ? `**${times}**` : times}`;
}
