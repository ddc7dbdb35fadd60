import { formattedRatio } from './format.js';
import { processTargets } from './targets/process-targets.js';
import type { Target } from './targets/target.js';
import { casesOf, isRival, type Report } from './report.js';

/** The same scenario on each line of Node, side by side: how many times ours a rival's figure is. Undefined: there are not two of them. */
export function runtimesPage(reports: readonly Report[]): string | undefined {
  const [first] = reports;
  if (first === undefined || reports.length < 2) return undefined;
  const heads = reports.map(({ machine }) => `Node ${machine.node.slice(1)}`);
  const compared = Object.entries(first.metrics).filter(([, metric]) => metric.compared === true);
  return [
    `# ${first.title}, on each line of Node (\`${first.scenario}\`)`,
    '',
    'A rival’s figure divided by ours: above 1, we are ahead. The pages of the single runs have the figures themselves, and describe how each run was made.',
    '',
    ...targetsOnEachLine(reports, heads),
    ...casesOf(first).flatMap((name) => [
      `## ${name}`,
      '',
      `| rival | figure | ${heads.join(' | ')} |`,
      `| --- | --- |${' ---: |'.repeat(heads.length)}`,
      ...rivalsOf(first).flatMap((rival) => compared.flatMap(([metric, { label }]) => lineOf(reports, name, rival, metric, label))),
      '',
    ]),
  ].join('\n');
}

/** What was to be reached, and what each line of Node shows. None for a scenario without such targets. */
function targetsOnEachLine(reports: readonly Report[], heads: readonly string[]): string[] {
  const onEach = reports.map(processTargets);
  const wanted = onEach[0] ?? [];
  if (wanted.length === 0) return [];
  const met = onEach.map((all) => `${all.filter((one) => one.met).length} of ${all.length}`);
  return [
    '## Targets',
    '',
    'A ratio is the median of the single rounds. **Bold**: missed.',
    '',
    `| | target | ${heads.join(' | ')} |`,
    `| --- | --- |${' ---: |'.repeat(heads.length)}`,
    ...wanted.map(({ what, target }) => `| ${what} | ${target} | ${onEach.map((all) => cellOf(all, what)).join(' | ')} |`),
    `| met | | ${met.join(' | ')} |`,
    '',
  ];
}

function cellOf(all: readonly Target[], what: string): string {
  const one = all.find((target) => target.what === what);
  if (one === undefined) return '—';
  return one.met ? one.measured : `**${one.measured}**`;
}

function rivalsOf(report: Report): readonly string[] {
  return [...new Set(report.rows.map(({ contestant }) => contestant))].filter((contestant) => isRival(report, contestant));
}

function lineOf(reports: readonly Report[], caseName: string, rival: string, metric: string, label: string): string[] {
  const ratios = reports.map((report) => {
    const row = report.rows.find((one) => one.case === caseName && one.contestant === rival);
    return row?.ratios[metric]?.[report.ours[0] as string];
  });
  if (ratios.every((ratio) => ratio === undefined)) return [];
  return [`| ${rival} | ${label} | ${ratios.map((ratio) => (ratio === undefined ? '—' : formattedRatio(ratio))).join(' | ')} |`];
}
