/** What top shows of a cluster: its servers, who takes writes, who lags, and who is out and why. */

import type { ShownNode, ShownTopology } from '../../monitor/live/index.js';
import { duration } from '../../monitor/verdict/index.js';
import type { Terminal } from '../console/index.js';

/** A cluster in lines of a table; each state is a word and a mark, not only a colour. */
export function linesOfCluster(terminal: Terminal, { name, nodes, nodesLeftOut, writer, ambiguous, reads }: ShownTopology): string[] {
  const width = Math.max(4, ...nodes.map((node) => node.name.length)) + 2;
  const head = `  ${'NODE'.padEnd(width)}${'ROLE'.padEnd(9)}${'STATE'.padEnd(9)}${'LAG'.padStart(9)}${'ANSWERS'.padStart(10)}  WHY`;
  const rows = nodes.map((node) => {
    const { role, state, lagMs, latencyMs, reason } = node;
    const mark = markOf(node, writer, reads.maxLag);
    const text = `${mark} ${node.name.padEnd(width)}${(role ?? 'unknown').padEnd(9)}${state.padEnd(9)}${lasting(lagMs).padStart(9)}${lasting(latencyMs).padStart(10)}  ${reason ?? ''}`;
    return mark === '!' ? terminal.paint(state === 'up' ? 'yellow' : 'red', text.trimEnd()) : text.trimEnd();
  });
  const writes =
    writer === null
      ? ambiguous.length > 0
        ? `${ambiguous.length} servers take writes, so the cluster writes to none of them: ${ambiguous.join(', ')}`
        : 'no server takes writes'
      : `${writer} takes writes`;
  const title = `${name}: ${writes}`;
  return [
    writer === null ? terminal.paint('red', `! ${title}`) : `> ${title}`,
    terminal.paint('bold', head),
    ...rows,
    ...(nodesLeftOut === 0 ? [] : [`  and ${nodesLeftOut} more`]),
  ];
}

/** `>` takes the writes; `!` is out, lags, or takes writes that it should not. */
function markOf({ name, role, state, lagMs }: ShownNode, writer: string | null, maxLagMs: number): string {
  if (state !== 'up' || (lagMs ?? 0) > maxLagMs) return '!';
  if (role === 'writer') return name === writer ? '>' : '!';
  return ' ';
}

function lasting(ms: number | null): string {
  return ms === null ? '-' : duration(ms);
}
