/** What was seen of applications, as a section of Markdown. */
import { cpus } from 'node:os';
import type { Result, SideResult, StageResult, StartResult } from './run.js';

/** The section of one application. */
export function sectionOf({ application, versions, place, without, under, patient }: Result): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `### ${application.title}`,
    '',
    `${application.way}. ${named.join(', ')}. ${application.visitors} visitors, a pool of ${application.limit}.`,
    `\`npm run applications -- ${application.name}\`, ${place.date}, Node ${place.node}, ${place.server}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}.`,
    '',
    `On stderr: ${under.notices.map((line) => `\`${line}\``).join(', ')}`,
    '',
    '| stage | hook | tasks done | lost, doubled, not whole | requests | failed | sent before, in, after the fault | faults, s | first good answer after each, ms | longest answer, ms | ended by itself |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...without.stages.flatMap((stage, index) => [
      rowOf(stage, 'without'),
      rowOf(under.stages[index], 'under it'),
      ...patient.stages.slice(index, index + 1).map((one) => rowOf(one, 'under it, patient')),
    ]),
    '',
    '| | without | under the hook |',
    '| --- | ---: | ---: |',
    ...STARTING.map(([called, of, digits]) => `| ${called} | ${both(without, under, (side) => median(side.starts.map(of)), digits)} |`),
    `| memory at the end, MiB | ${both(without, under, (side) => side.rssAfterMiB, 0)} |`,
    `| processor time of the whole run, s | ${both(without, under, (side) => side.cpuSeconds, 1)} |`,
    `| how it ended after SIGTERM | ${without.ending} | ${under.ending} |`,
    '',
    ...reasonsOf('Failures without the hook', without),
    ...reasonsOf('Failures under the hook', under),
    ...reasonsOf('Failures under the hook, patient', patient),
  ].join('\n');
}

const STARTING: readonly (readonly [string, (start: StartResult) => number, number])[] = [
  ['start until it serves, ms', ({ ms }) => ms, 0],
  ['processor time until it serves, s', ({ cpuSeconds }) => cpuSeconds, 2],
  ['memory when it serves, MiB', ({ rssMiB }) => rssMiB, 0],
];

function both(without: SideResult, under: SideResult, of: (side: SideResult) => number, digits: number): string {
  return `${of(without).toFixed(digits)} | ${of(under).toFixed(digits)}`;
}

function rowOf(stage: StageResult | undefined, hook: string): string {
  if (stage === undefined) throw new Error('bug: a stage is missing on one side.');
  const { lost, doubled, broken, unfinished } = stage;
  const cells = [
    hook === 'without' ? stage.stage : '',
    hook,
    `${stage.tasks}${unfinished === 0 ? '' : ` (${unfinished} not finished)`}`,
    `${lost.length}, ${doubled.length}, ${broken.length}`,
    stage.requests,
    stage.failed,
    `${stage.failedBefore}, ${stage.failedDuring}, ${stage.failedAfter}`,
    stage.awayMs.map((ms) => (ms / 1_000).toFixed(1)).join(', '),
    stage.recoveryMs.map((ms) => ms.toFixed(0)).join(', '),
    stage.longestMs.toFixed(0),
    stage.ends,
  ];
  return `| ${cells.join(' | ')} |`;
}

function reasonsOf(title: string, { stages }: SideResult): string[] {
  const counted = new Map<string, number>();
  for (const { reasons } of stages)
    for (const [reason, count] of Object.entries(reasons)) counted.set(reason, (counted.get(reason) ?? 0) + count);
  if (counted.size === 0) return [`${title}: none.`, ''];
  const sorted = [...counted].toSorted(([, one], [, other]) => other - one).slice(0, 8);
  return [`${title}: ${sorted.map(([reason, count]) => `${count} × ${reason.replaceAll('|', '\\|')}`).join('; ')}.`, ''];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Whether an application did what it must: nothing lost, doubled or broken on either side. */
export function isSound({ without, under, patient }: Result): boolean {
  return [...without.stages, ...under.stages, ...patient.stages].every(
    ({ lost, doubled, broken, tasks }) => tasks > 0 && lost.length + doubled.length + broken.length === 0,
  );
}
