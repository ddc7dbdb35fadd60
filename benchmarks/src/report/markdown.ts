import type { Metric } from '../scenario.js';
import { formatted, formattedRatio } from './format.js';
import { type Machine, QUIET_LOAD } from './machine.js';
import type { Spread } from './statistics.js';
import { casesOf, isRival, type Report, type Row, rowsOf } from './report.js';

/** All of a report for people. The chart is the file of the same name beside it. */
export function markdownOf(report: Report): string {
  return [
    `# ${report.title} (\`${report.scenario}\`)`,
    '',
    report.about,
    '',
    `![chart](${report.scenario}.svg)`,
    '',
    'What is held fixed, and how each contestant is set up:',
    '',
    ...report.heldFixed.map((line) => `- ${line}`),
    '',
    ...howItWasMade(report),
    '',
    ...casesOf(report).flatMap((name) => [`## ${name}`, '', ...tableOf(report, rowsOf(report, name)), '']),
    '## Where a rival is ahead',
    '',
    ...lossesOf(report),
    '',
  ].join('\n');
}

function howItWasMade({ command, machine, rounds, scale, quick }: Report): string[] {
  const shortened = quick || scale !== 1 ? ` **A shortened run (scale ${scale}${quick ? ', --quick' : ''}): not to be quoted.**` : '';
  return [
    `Made by \`${command}\` on ${machine.date}, commit ${machine.commit}, ${rounds} interleaved rounds (more or fewer in some cases; the JSON file has each). ${machineText(machine)}${shortened}`,
    '',
    'Figures are medians over the rounds. A ratio is their figure divided by ours: the median of the ratios of the single rounds, with the lowest and the highest in brackets. Less is better everywhere, so a ratio above 1 means that we are ahead. ' +
      '"≈" means that the rounds disagree on which of the two was ahead.',
  ];
}

export function machineText(machine: Machine): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const loud = machine.loadBefore > QUIET_LOAD ? ' **The machine was not quiet.**' : '';
  return (
    `${machine.cores} × ${machine.processor}${machine.placement === undefined ? '' : ` (${machine.placement})`}, ${machine.memoryGiB} GiB, ${machine.system}, load before ${machine.loadBefore}; ` +
    `Node ${machine.node.slice(1)}, OpenSSL ${machine.openssl}, ${serverText(machine.server)} (${machine.serverSettings.join(' ')}); ${versions.join(', ')}.${loud}`
  );
}

/** MariaDB says its name in its version, and MySQL does not. */
export function serverText(version: string): string {
  return `${/mariadb/iu.test(version) ? 'MariaDB' : 'MySQL'} ${version}`;
}

function tableOf(report: Report, rows: readonly Row[]): string[] {
  const metrics = Object.entries(report.metrics).filter(([name]) => rows.some((row) => row.figures[name] !== undefined));
  const heads = metrics.flatMap(([, metric]) => [
    metric.label,
    ...(metric.compared === true ? report.ours.map((own) => (report.ours.length === 1 ? 'times ours' : `times ${own}`)) : []),
  ]);
  return [
    `| contestant | ${heads.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(heads.length)}`,
    ...rows.map((row) => `| ${nameOf(report, row.contestant)} | ${cellsOf(report, row, metrics, heads.length).join(' | ')} |`),
  ];
}

function nameOf(report: Report, contestant: string): string {
  if (report.ours.includes(contestant)) return `**${contestant}**`;
  return report.limits.includes(contestant) ? `*${contestant}*` : contestant;
}

function cellsOf(report: Report, row: Row, metrics: readonly (readonly [string, Metric])[], width: number): string[] {
  if (row.gaveUp !== undefined) return [row.gaveUp, ...Array.from({ length: width - 1 }, () => '')];
  return metrics.flatMap(([name, metric]) => {
    const figure = row.figures[name];
    const cells = [figure === undefined ? '—' : formatted(figure.median, metric)];
    if (metric.compared === true) {
      for (const own of report.ours) {
        const ratio = row.ratios[name]?.[own];
        cells.push(ratio === undefined || row.contestant === own ? '' : formattedRatio(ratio));
      }
    }
    return cells;
  });
}

interface Loss {
  readonly row: Row;
  readonly own: string;
  readonly metric: Metric;
  readonly figure: number;
  readonly ratio: Spread;
}

/** Every case in which a rival was ahead of us, said by the figures and not by us. */
function* losses(report: Report): Generator<Loss> {
  for (const row of report.rows) {
    if (!isRival(report, row.contestant)) continue;
    for (const [name, byOwn] of Object.entries(row.ratios)) {
      for (const [own, ratio] of Object.entries(byOwn)) {
        if (ratio.median < 1)
          yield { row, own, metric: report.metrics[name] as Metric, figure: row.figures[name]?.median as number, ratio };
      }
    }
  }
}

const NO_LOSS = 'No rival was ahead in any compared figure.';

export function lossesOf(report: Report): string[] {
  const lines = [...losses(report)].map(
    ({ row, own, metric, figure, ratio }) =>
      `- ${row.case}: ${row.contestant} beats ${own} in "${metric.label}": ${formatted(figure, metric)}, ${formattedRatio(ratio)} of ours.`,
  );
  return lines.length === 0 ? [NO_LOSS] : lines;
}

/** The same in fewer lines: one for each rival. */
export function lossesByRival(report: Report): string[] {
  const byRival = new Map<string, string[]>();
  for (const { row, own, metric, ratio } of losses(report)) {
    const who = report.ours.length === 1 ? row.contestant : `${row.contestant}, of ${own}`;
    const undecided = ratio.highest > 1 ? '≈ ' : '';
    byRival.set(who, [...(byRival.get(who) ?? []), `${row.case}, ${metric.label} ${undecided}${ratio.median.toFixed(2)} ×`]);
  }
  return byRival.size === 0 ? [NO_LOSS] : [...byRival].map(([who, found]) => `- ${who}: ${found.join('; ')}.`);
}
