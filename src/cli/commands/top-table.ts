/** The table of pools that top shows: one line for each, sorted, no wider than 80 columns. */

import { shown, type Terminal } from '../console/index.js';

/** What the table shows of a pool. */
export interface TableLine {
  readonly name: string;
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly state: string;
  readonly used: number;
  readonly limit: number;
  readonly waiting: number;
  readonly longestWaitMs: number;
  /** Since the last reading; null at the first. */
  readonly queriesPerSecond: number | null;
  /** Callers without a connection and statements that failed, since the last reading; null at the first. */
  readonly failuresPerSecond: number | null;
  /** Of what ended since the last reading; null when nothing did. */
  readonly acquireP99Ms: number | null;
  readonly queryP50Ms: number | null;
  readonly queryP99Ms: number | null;
}

/** What the table can be sorted by; severity: the worst first, then the most waiting. */
export const SORTS = ['severity', 'name', 'used', 'waiting', 'failures', 'p99'] as const;

/** One of {@link SORTS}. */
export type Sort = (typeof SORTS)[number];

const NAME = 14;

/** A state is a mark, not only a colour. */
const MARKS = { healthy: '  ', degraded: '! ', unhealthy: 'X ' } as const;
const SEVERITY = { unhealthy: 0, degraded: 1, healthy: 2 } as const;

const known = (value: number | null): string => (value === null ? '-' : shown(value));

const COLUMNS: readonly (readonly [string, number, (line: TableLine) => string])[] = [
  ['USED', 9, ({ used, limit }) => `${used}/${limit}`],
  ['WAIT', 6, ({ waiting }) => String(waiting)],
  ['LONGEST', 9, ({ longestWaitMs }) => shown(longestWaitMs)],
  ['QRY/S', 7, ({ queriesPerSecond }) => String(queriesPerSecond ?? '-')],
  ['FAIL/S', 7, ({ failuresPerSecond }) => String(failuresPerSecond ?? '-')],
  ['ACQ P99', 9, ({ acquireP99Ms }) => known(acquireP99Ms)],
  ['QRY P50', 8, ({ queryP50Ms }) => known(queryP50Ms)],
  ['QRY P99', 9, ({ queryP99Ms }) => known(queryP99Ms)],
];

/** The lines of the table. @param withHead whether the names of the columns come first */
export function tableOf(terminal: Terminal, pools: readonly TableLine[], withHead: boolean): string[] {
  if (pools.length === 0) return ['there is no pool'];
  const head = `  ${'POOL'.padEnd(NAME)}${COLUMNS.map(([title, columns]) => title.padStart(columns)).join('')}`;
  const lines = pools.flatMap((pool) => {
    const text = `${MARKS[pool.status]}${cut(pool.name).padEnd(NAME)}${COLUMNS.map(([, columns, value]) => value(pool).padStart(columns)).join('')}`;
    const state = pool.state === 'running' ? [] : [`  ${cut(pool.name)} is ${pool.state}`];
    return [coloured(terminal, pool.status, text), ...state];
  });
  return withHead ? [terminal.paint('bold', head), ...lines] : lines;
}

/** The pools in the order that was asked for; equal ones stay in theirs. */
export function sorted<Line extends TableLine>(pools: readonly Line[], by: Sort): Line[] {
  const most = (read: (line: Line) => number | null) => (one: Line, other: Line) => (read(other) ?? -1) - (read(one) ?? -1);
  const orders: Readonly<Record<Sort, (one: Line, other: Line) => number>> = {
    severity: (one, other) => SEVERITY[one.status] - SEVERITY[other.status] || other.waiting - one.waiting,
    name: (one, other) => (one.name < other.name ? -1 : 1),
    used: most(({ used, limit }) => used / limit),
    waiting: most(({ waiting }) => waiting),
    failures: most(({ failuresPerSecond }) => failuresPerSecond),
    p99: most(({ queryP99Ms }) => queryP99Ms),
  };
  return pools.toSorted(orders[by]);
}

function cut(name: string): string {
  return name.length < NAME ? name : `${name.slice(0, NAME - 2)}…`;
}

function coloured(terminal: Terminal, status: TableLine['status'], text: string): string {
  return status === 'healthy' ? text : terminal.paint(status === 'unhealthy' ? 'red' : 'yellow', text);
}
