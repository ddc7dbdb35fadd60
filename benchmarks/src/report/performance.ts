import { QUIET_LOAD } from './machine.js';
import { formatted, formattedRatio } from './format.js';
import { growthTables } from './growth.js';
import { lossesByRival, machineText } from './markdown.js';
import { casesOf, isRival, type Report, type Row, rowsOf } from './report.js';
import { targets } from './targets.js';

/** The part of docs/performance.md that is made from runs. */
export function performanceFigures(reports: readonly Report[], onMySql: readonly Report[]): string {
  if (reports.length === 0) return 'No run has been saved yet: `npm run bench` makes one.\n';
  return [
    ...machinesOf(reports),
    '',
    '### Targets',
    '',
    'What we set out to reach. A ratio is the median of the single rounds.',
    '',
    '| | target | measured | |',
    '| --- | --- | --- | --- |',
    ...targets(reports).map(({ what, target, measured, met }) => `| ${what} | ${target} | ${measured} | ${met ? 'met' : '**missed**'} |`),
    '',
    ...growthTables(reports),
    ...reports.flatMap((report) => scenarioFigures(report)),
    ...figuresOnMySql(onMySql),
  ].join('\n');
}

/** One line for each run that was made elsewhere or with something else; mostly one. */
function machinesOf(reports: readonly Report[]): string[] {
  const groups = new Map<string, string[]>();
  for (const report of reports) {
    const { machine } = report;
    const key = `${machineText({ ...machine, loadBefore: machine.loadBefore > QUIET_LOAD ? machine.loadBefore : 0 })} Run on ${machine.date}, commit ${machine.commit}.`;
    groups.set(key, [...(groups.get(key) ?? []), report.scenario]);
  }
  return [...groups].map(([key, names]) => {
    const who = groups.size === 1 ? '' : `${names.map((name) => `\`${name}\``).join(', ')}: `;
    return `${who}${key.replace(', load before 0', '')}\n`;
  });
}

function scenarioFigures(report: Report): string[] {
  return [
    `### ${report.title}`,
    '',
    report.about,
    '',
    `![${report.title}](../benchmarks/results/${report.scenario}.svg)`,
    '',
    ...summaryOf(report),
    '',
    `[All figures, and what is held fixed](../benchmarks/results/${report.scenario}.md) (\`npm run bench -- ${report.scenario}\`). Where a rival is ahead:`,
    '',
    ...lossesByRival(report),
    '',
  ];
}

/** The same work on MySQL, in short. */
function figuresOnMySql(reports: readonly Report[]): string[] {
  if (reports.length === 0) return [];
  return [
    '### On MySQL',
    '',
    ...machinesOf(reports),
    '',
    ...reports.flatMap((report) => [
      `#### ${report.title}`,
      '',
      ...summaryOf(report),
      '',
      `[All figures](../benchmarks/results/mysql/${report.scenario}.md) (\`${report.command}\`). Where a rival is ahead:`,
      '',
      ...lossesByRival(report),
      '',
    ]),
  ];
}

/** Ours and the best rival's figure in each case. */
function summaryOf(report: Report): string[] {
  const [first, metric] = Object.entries(report.metrics)[0] as [string, Report['metrics'][string]];
  const own = report.ours[0] as string;
  return [
    `| ${metric.label} | ${own} | best rival | its figure as a multiple of ours |`,
    '| --- | ---: | --- | ---: |',
    ...casesOf(report).map((caseName) => summaryRow(report, caseName, first, own)),
  ];
}

/** Cases that measure something else than the first metric say what. */
function summaryRow(report: Report, caseName: string, first: string, own: string): string {
  const rows = rowsOf(report, caseName);
  const ourRow = rows.find(({ contestant }) => contestant === own) as Row;
  const name = Object.keys(report.metrics).find((metric) => ourRow.figures[metric] !== undefined) ?? first;
  const metric = report.metrics[name] as Report['metrics'][string];
  const best = rows
    .filter((row) => isRival(report, row.contestant) && row.figures[name] !== undefined)
    .toSorted((a, b) => (a.figures[name]?.median ?? 0) - (b.figures[name]?.median ?? 0))[0];
  const ours = ourRow.figures[name];
  const ratio = best?.ratios[name]?.[own];
  return [
    `| ${caseName}${name === first ? '' : `: ${metric.label}`}`,
    ours === undefined ? '—' : formatted(ours.median, metric),
    best === undefined ? '—' : `${best.contestant}: ${formatted(best.figures[name]?.median as number, metric)}`,
    `${ratio === undefined ? '—' : formattedRatio(ratio)} |`,
  ].join(' | ');
}
