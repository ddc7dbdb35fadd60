import { QUIET_LOAD } from './machine.js';
import { formatted, formattedRatio } from './format.js';
import { gainsTable } from './gains.js';
import { growthTables } from './growth.js';
import { lossesByRival, machineText } from './markdown.js';
import { casesOf, isRival, type Report, type Row, rowsOf } from './report.js';
import { targets } from './targets/targets.js';

/**
 * The part of docs/performance.md that is made from runs.
 *
 * @param onEachLine the scenarios that have a page with a column for each line of Node
 */
export function performanceFigures(reports: readonly Report[], onMySql: readonly Report[], onEachLine: ReadonlySet<string>): string {
  if (reports.length === 0) return 'No run has been saved yet: `npm run bench` makes one.\n';
  return [
    ...gainsTable(reports),
    ...folded('Machines, versions, and dates of the runs', machinesOf(reports)),
    '### Targets',
    '',
    'These are the project’s own targets. A ratio is the median of the single rounds.',
    '',
    ...targetsTable(reports),
    ...growthTables(reports),
    ...reports.flatMap((report) => scenarioFigures(report, onEachLine.has(report.scenario))),
    ...figuresOnMySql(onMySql),
  ].join('\n');
}

/** Lines that a reader opens, on GitHub as on the site. */
function folded(summary: string, lines: readonly string[]): string[] {
  return ['<details>', `<summary>${summary}</summary>`, '', ...lines, '', '</details>', ''];
}

/** How many targets were met, and behind that each of them. */
function targetsTable(reports: readonly Report[]): string[] {
  const all = targets(reports);
  const rows = all.map(({ what, target, measured, met }) => `| ${what} | ${target} | ${measured} | ${met ? 'met' : '**missed**'} |`);
  const met = all.filter((target) => target.met).length;
  return [
    `${met} of ${all.length} targets are met.`,
    '',
    ...folded('Each target', ['| | target | measured | |', '| --- | --- | --- | --- |', ...rows]),
  ];
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

function scenarioFigures(report: Report, isOnEachLine: boolean): string[] {
  const otherLines = isOnEachLine ? ['', `[On each line of Node](../benchmarks/results/${report.scenario}-runtimes.md)`] : [];
  const figures = [...summaryOf(report), ...otherLines, '', 'Where a rival is ahead:', '', ...lossesByRival(report)];
  return [
    `### ${report.title}`,
    '',
    report.about,
    '',
    `![${report.title}](../benchmarks/results/${report.scenario}.svg)`,
    '',
    ...folded('Figures, and where a rival is ahead', figures),
    `[All figures, and what is held fixed](../benchmarks/results/${report.scenario}.md) (\`npm run bench -- ${report.scenario}\`)`,
    '',
  ];
}

/** The same work on MySQL, in short. */
function figuresOnMySql(reports: readonly Report[]): string[] {
  if (reports.length === 0) return [];
  return [
    '### On MySQL',
    '',
    'The same scenarios on MySQL instead of MariaDB.',
    '',
    ...folded('Machines, versions, and dates of the runs on MySQL', machinesOf(reports)),
    ...reports.flatMap((report) => [
      ...folded(`${report.title}, on MySQL`, [
        ...summaryOf(report),
        '',
        `[All figures](../benchmarks/results/mysql/${report.scenario}.md) (\`${report.command}\`). Where a rival is ahead:`,
        '',
        ...lossesByRival(report),
      ]),
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
