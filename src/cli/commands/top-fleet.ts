/** What top shows of a fleet: its budget, its members with their leases, and how the ledger fares; no line is wider than 80 columns. */

import type { ShownFleet, ShownMember } from '../../monitor/live/index.js';
import { duration } from '../../monitor/verdict/index.js';
import type { Terminal } from '../console/index.js';

const WIDTH = 80;
const NAME = 16;

const COLUMNS: readonly (readonly [string, number, (member: ShownMember) => string])[] = [
  ['LEASE', 7, ({ lease }) => String(lease)],
  ['OPEN', 7, ({ open }) => String(open)],
  ['WANTS', 7, ({ wanted }) => String(wanted)],
  ['GIVES', 7, ({ lease, accounted }) => String(Math.max(0, accounted - lease))],
  ['MEMBER FOR', 14, ({ ageMs }) => duration(wholeSeconds(ageMs))],
  ['LEASE LEFT', 16, ({ leaseLeftMs }) => (leaseLeftMs > 0 ? duration(leaseLeftMs) : `lost ${duration(wholeSeconds(-leaseLeftMs))}`)],
];

/** A fleet in one line, for a process whose pools are shown beside it. */
export function lineOfFleet(terminal: Terminal, pool: string, fleet: ShownFleet): string {
  const { phase, lease, ceiling, budget, overhang, members, processes, dryRun } = fleet;
  const isWrong = phase === 'safe share' || overhang > 0 || members > processes;
  const may = phase === 'leased' || phase === 'learning' ? lease : ceiling;
  const of = budget === null ? '' : ` of ${budget}`;
  const text = `${isWrong ? '!' : '>'} ${pool} in fleet ${fleet.name}: ${phase}${dryRun ? ' (dry run)' : ''}, ${may}${of} connections`;
  return isWrong ? terminal.paint(phase === 'safe share' ? 'red' : 'yellow', cut(text)) : cut(text);
}

/** A fleet in lines of a table; each state is a word and a mark, not only a colour. */
export function linesOfFleet(terminal: Terminal, pool: string, fleet: ShownFleet): string[] {
  const { budget, granted, reserved, overhang, members, processes, lost, roster, rosterLeftOut, warnings } = fleet;
  const free = budget === null ? '' : `, ${Math.max(0, budget - granted - reserved - overhang)} free`;
  const head = `  ${'MEMBER'.padEnd(NAME)}${COLUMNS.map(([title, columns]) => title.padStart(columns)).join('')}`;
  const rows = roster.map((member) => {
    const mark = member.leaseLeftMs <= 0 ? '!' : member.own ? '>' : ' ';
    const name = member.id.slice(0, NAME - 1).padEnd(NAME);
    const text = `${mark} ${name}${COLUMNS.map(([, columns, value]) => value(member).padStart(columns)).join('')}`;
    return mark === '!' ? terminal.paint('red', cut(text)) : cut(text);
  });
  return [
    lineOfFleet(terminal, pool, fleet),
    cut(`  budget ${budget ?? 'not known'}: ${granted} granted, ${reserved} reserved, ${overhang} overhang${free}`),
    cut(`  ${members} of ${processes} members, ${lost} lost; ${ledgerOf(fleet)}`),
    ...warnings.map((warning) => terminal.paint('yellow', cut(`! ${warning}`))),
    ...(roster.length === 0 ? [] : [terminal.paint('bold', head), ...rows]),
    ...(rosterLeftOut === 0 ? [] : [`  and ${rosterLeftOut} more`]),
  ];
}

function ledgerOf({ ledger: { kind, ageMs, failure } }: ShownFleet): string {
  const since = ageMs === null ? 'has not answered yet' : `answered ${duration(ageMs)} ago`;
  return `ledger (${kind}) ${since}${failure === null ? '' : `: ${failure}`}`;
}

function wholeSeconds(ms: number): number {
  return Math.max(1_000, Math.round(ms / 1_000) * 1_000);
}

function cut(text: string): string {
  return text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text.trimEnd();
}
