/** The panel of the statements that cost most: sortable, each with its last ten minutes, and in full on demand. */

import { type ReactNode, useState } from 'react';
import type { LivePool } from '../../../src/monitor/live/index.js';
import { amount, duration, percent, wholeSeconds } from '../format.js';
import { Panel } from './panel.js';

type Statement = LivePool['slowQueries']['queries'][number];

interface SortedColumn {
  readonly name: string;
  /** For the hover text of the heading. */
  readonly about: string;
  readonly by: (statement: Statement) => number | string;
  readonly show?: (statement: Statement, totalMs: number) => ReactNode;
}

const COLUMNS: readonly SortedColumn[] = [
  { name: 'Statement', about: 'Its shape: each value is ?', by: ({ digest }) => digest },
  { name: 'Last 10 min', about: 'Time of each half minute; sorted by the last two', by: ({ recentMs }) => sum(recentMs?.slice(-2) ?? []) },
  { name: 'Time', about: 'Time of all calls together', by: ({ totalMs }) => totalMs, show: ({ totalMs }) => duration(totalMs) },
  {
    name: 'Share',
    about: 'Part of the time of all statements',
    by: ({ totalMs }) => totalMs,
    show: (statement, totalMs) => percent(statement.totalMs, totalMs),
  },
  { name: 'Calls', about: 'How many, estimated', by: ({ calls }) => calls, show: ({ calls }) => amount(calls) },
  { name: 'Mean', about: 'Mean time of a call', by: ({ meanMs }) => meanMs, show: ({ meanMs }) => duration(meanMs) },
  { name: 'p50', about: 'Half of the calls took up to', by: ({ p50Ms }) => p50Ms, show: ({ p50Ms }) => duration(p50Ms) },
  { name: 'p99', about: '99 % of the calls took up to', by: ({ p99Ms }) => p99Ms, show: ({ p99Ms }) => duration(p99Ms) },
  { name: 'Longest', about: 'The longest call', by: ({ maxMs }) => maxMs, show: ({ maxMs }) => duration(maxMs) },
  {
    name: 'Last seen',
    about: 'How long ago one was looked at',
    by: ({ lastSeenAgoMs }) => -lastSeenAgoMs,
    show: ({ lastSeenAgoMs }) => `${wholeSeconds(lastSeenAgoMs)} ago`,
  },
];

export function Statements({ pool }: { readonly pool: LivePool }) {
  const { queries, totalMs, windowMs } = pool.slowQueries;
  const [order, setOrder] = useState({ name: 'Time', isDescending: true });
  const column = COLUMNS.find(({ name }) => name === order.name) as SortedColumn;
  const sorted = queries.toSorted((a, b) => (order.isDescending ? -1 : 1) * compare(column.by(a), column.by(b)));
  const sortBy = (name: string): void =>
    setOrder(order.name === name ? { name, isDescending: !order.isDescending } : { name, isDescending: name !== 'Statement' });
  return (
    <Panel
      title="Statements that cost most"
      note={`The last ${wholeSeconds(windowMs)}, without values`}
      idle={queries.length === 0 && 'No statement has been sampled yet.'}
      wide
      steady
    >
      <div className="table sortable" tabIndex={0} role="group" aria-label="Statements that cost most">
        <table>
          <caption className="hidden">Statements that cost most. The headings are buttons that sort.</caption>
          <thead>
            <tr>
              {COLUMNS.map(({ name, about }, index) => (
                <th
                  key={name}
                  scope="col"
                  className={index > 1 ? 'figure' : undefined}
                  aria-sort={name === order.name ? (order.isDescending ? 'descending' : 'ascending') : 'none'}
                >
                  <button type="button" title={about} onClick={() => sortBy(name)}>
                    {name}
                    <span className="arrow" aria-hidden="true">
                      {name === order.name ? (order.isDescending ? '▼' : '▲') : ''}
                    </span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sorted.map((statement) => (
              <Row key={statement.digest} statement={statement} totalMs={totalMs} />
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function Row({ statement, totalMs }: { readonly statement: Statement; readonly totalMs: number }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <tr>
      <td data-label="Statement" className="statement">
        <button type="button" className="plain" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <span className="arrow" aria-hidden="true">
            {isOpen ? '▾' : '▸'}
          </span>
          <code>{statement.digest}</code>
        </button>
        {isOpen ? <Copy text={statement.digest} /> : null}
      </td>
      <td data-label="Last 10 min">
        <Bars ms={statement.recentMs ?? []} />
      </td>
      {COLUMNS.slice(2).map(({ name, show }) => (
        <td key={name} data-label={name} className="figure">
          {show?.(statement, totalMs)}
        </td>
      ))}
    </tr>
  );
}

/** Copies a text, and says whether it has. */
function Copy({ text }: { readonly text: string }) {
  const [outcome, setOutcome] = useState('');
  // Over plain HTTP, a page of another machine has no clipboard.
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('Copied.');
    } catch {
      setOutcome('The browser does not allow it: select the text.');
    }
  };
  return (
    <span className="copy">
      <button type="button" onClick={() => void copy()}>
        Copy
      </button>{' '}
      <span role="status" className="note">
        {outcome}
      </span>
    </span>
  );
}

const BAR = 4;
const BARS_HEIGHT = 20;

/** A bar for each half minute. */
function Bars({ ms }: { readonly ms: readonly number[] }) {
  const most = Math.max(1, ...ms);
  const words = `Up to ${duration(most)} in half a minute, ${duration(sum(ms.slice(-2)))} in the last minute`;
  return (
    <>
      <svg
        className="bars"
        width={ms.length * BAR}
        height={BARS_HEIGHT}
        viewBox={`0 0 ${ms.length * BAR} ${BARS_HEIGHT}`}
        aria-hidden="true"
        focusable="false"
      >
        <title>{words}</title>
        {ms.map((value, index) => {
          const height = value === 0 ? 1 : Math.max(2, (value / most) * BARS_HEIGHT);
          const className = value === 0 ? 'none' : undefined;
          return <rect key={index} className={className} x={index * BAR} y={BARS_HEIGHT - height} width={BAR - 1} height={height} />;
        })}
      </svg>
      <span className="hidden">{words}</span>
    </>
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

function compare(a: number | string, b: number | string): number {
  return typeof a === 'string' || typeof b === 'string' ? String(a).localeCompare(String(b)) : a - b;
}
