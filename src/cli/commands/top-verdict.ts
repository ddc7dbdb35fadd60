/** What top shows of a verdict: what is wrong, who holds the connections, and what to do; no line is wider than 80 columns. */

import type { PoolHealthReport } from '../../monitor/api/index.js';
import { duration, type PoolVerdict } from '../../monitor/verdict/index.js';
import type { Terminal } from '../console/index.js';

/** A state is a word, not only a colour. */
const MARKS = { healthy: 'OK  ', degraded: 'WARN', unhealthy: 'FAIL' } as const;
const WIDTH = 80;

/** A verdict in lines of a terminal. Of a pool that is well, it has the headline only. */
export function linesOfVerdict(terminal: Terminal, name: string, verdict: PoolVerdict): string[] {
  const { status, headline, holders, advice } = verdict;
  const head = folded(`${MARKS[status]} ${name}: ${headline}`, '     ').map((line) => coloured(terminal, verdict, line));
  if (status === 'healthy') return head;
  const held = holders.flatMap(({ place, work, count, heldMs }) =>
    folded(`     ${count} × ${place ?? 'borrower'}, for up to ${duration(heldMs)}: ${work}`, '       '),
  );
  return [...head, ...held, ...(advice === null ? [] : folded(`     > ${advice}`, '       '))];
}

export function coloured(terminal: Terminal, { status }: PoolVerdict, text: string): string {
  if (status === 'healthy') return text;
  return terminal.paint(status === 'unhealthy' ? 'red' : 'yellow', text);
}

/** An older version of Poolwright answers without a verdict. */
export function olderVerdict({ status, message }: PoolHealthReport): PoolVerdict {
  const unknown = { cause: null, details: [], advice: null, since: null, callersFailed: 0, failingPerSecond: 0, holders: [] };
  return { status, headline: `The pool is ${status}: ${message}.`, ...unknown };
}

/** Lines of at most 80 columns, broken between words where there are any. */
function folded(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = text;
  while (line.length > WIDTH) {
    const at = line.lastIndexOf(' ', WIDTH);
    const end = at > indent.length ? at : WIDTH;
    lines.push(line.slice(0, end));
    line = `${indent}${line.slice(end).trimStart()}`;
  }
  return [...lines, line];
}
