import { formattedRatio } from './format.js';
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
