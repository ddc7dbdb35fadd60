/** What a service gains or loses when it changes from mysql2's own pool: one figure for each thing that it notices. */
import { formatted } from './format.js';
import { type Report, rowsOf } from './report.js';

interface Gain {
  /** What the figure is, as a service notices it. */
  readonly what: string;
  readonly scenario: string;
  readonly case: string;
  readonly metric: string;
}

const GAINS: readonly Gain[] = [
  {
    what: 'Burst of 50 callers, last answer',
    scenario: 'spike',
    case: 'short: 50 × 1 query of 2 ms',
    metric: 'time',
  },
  { what: 'A statement, 200 callers', scenario: 'processes', case: 'query, 200 callers', metric: 'time' },
  { what: 'Its CPU time', scenario: 'processes', case: 'query, 200 callers', metric: 'cpu' },
  { what: 'Beside other clients', scenario: 'processes', case: 'query in company, 200 callers', metric: 'time' },
  { what: 'Prepared, 200 callers', scenario: 'processes', case: 'execute, 200 callers', metric: 'time' },
  { what: 'Database killed, last error', scenario: 'outage', case: 'killed', metric: 'told' },
  { what: 'Idle connection, memory', scenario: 'memory', case: '200 idle connections', metric: 'bytes' },
  { what: 'New process, first answer', scenario: 'startup', case: 'plain', metric: 'first' },
  {
    what: 'Long burst, last answer',
    scenario: 'spike',
    case: 'sustained: 50 × 10 queries of 20 ms',
    metric: 'time',
  },
];

/** One that was measured. */
export interface MeasuredGain {
  readonly what: string;
  readonly own: string;
  readonly theirs: string;
  /** How many times ours mysql2's figure is. */
  readonly ratio: number;
  /** The rounds of the run disagree on which pool is ahead. */
  readonly undecided: boolean;
}

/** Those whose scenarios were run. */
export function measuredGains(reports: readonly Report[]): MeasuredGain[] {
  return GAINS.flatMap((gain) => measured(reports, gain));
}

/** A table of what was run, with mysql2's figure as a multiple of ours. */
export function gainsTable(reports: readonly Report[]): string[] {
  const rows = measuredGains(reports).map(({ what, own, theirs, ratio, undecided }) => {
    const times = timesText(ratio, undecided);
    return `| ${what} | ${own} | ${theirs} | ${ratio < 1 && !undecided ? `**${times}**` : times} |`;
  });
  if (rows.length === 0) return [];
  return [
    '| | Poolwright | mysql2’s pool | ratio |',
    '| --- | ---: | ---: | ---: |',
    ...rows,
    '',
    'Less is better. The ratio is mysql2’s figure divided by Poolwright’s: above 1, you gain. **Bold**: you lose. "≈": the rounds of the run disagree on which pool is ahead.',
    '',
  ];
}

export function timesText(ratio: number, undecided: boolean): string {
  return `${undecided ? '≈ ' : ''}${ratio.toFixed(2)} ×`;
}

function measured(reports: readonly Report[], { what, scenario, case: caseName, metric: name }: Gain): MeasuredGain[] {
  const report = reports.find((one) => one.scenario === scenario);
  const metric = report?.metrics[name];
  if (report === undefined || metric === undefined) return [];
  const { rate: _, ...plain } = metric;
  const rows = rowsOf(report, caseName);
  const own = rows.find(({ contestant }) => contestant === 'poolwright')?.figures[name];
  const mysql2 = rows.find(({ contestant }) => contestant === 'mysql2');
  const theirs = mysql2?.figures[name];
  const ratio = mysql2?.ratios[name]?.['poolwright'];
  if (own === undefined || theirs === undefined || ratio === undefined) return [];
  const undecided = ratio.lowest < 1 && ratio.highest > 1;
  return [{ what, own: formatted(own.median, plain), theirs: formatted(theirs.median, plain), ratio: ratio.median, undecided }];
}
