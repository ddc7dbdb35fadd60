/** The panels that are tables and lists: borrowers, statements, events, counters, options, PgBouncer. */

import type { ReactNode } from 'react';
import { workOf } from '../../../src/monitor/verdict/index.js';
import type { LivePool, LiveSnapshot } from '../../../src/monitor/live/index.js';
import { amount, clock, counted, duration, percent } from '../format.js';

/** A part of the page with a heading, and words for when there is nothing in it. */
export function Panel({
  title,
  empty,
  wide = false,
  steady = false,
  children,
}: {
  readonly title: string;
  readonly empty?: string | false;
  readonly wide?: boolean;
  /** Its height does not follow its content. */
  readonly steady?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <section className={['panel', ...(wide ? ['wide'] : []), ...(steady ? ['steady'] : [])].join(' ')} aria-label={title}>
      <h2>{title}</h2>
      {typeof empty === 'string' ? <p className="empty">{empty}</p> : children}
    </section>
  );
}

export function Table({
  caption,
  head,
  rows,
}: {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly ReactNode[])[];
}) {
  return (
    // Focusable, so that it can be scrolled by keys.
    <div className="table" tabIndex={0} role="group" aria-label={caption}>
      <table>
        <caption className="hidden">{caption}</caption>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, number) => (
            <tr key={number}>
              {row.map((cell, column) => (
                <td key={head[column]} data-label={head[column]}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Borrowers({ pool }: { readonly pool: LivePool }) {
  const { borrowed, stats } = pool;
  const detects = stats.options.leakDetectionThreshold > 0;
  return (
    <Panel title={`Who holds connections (${stats.used})`} empty={borrowed.length === 0 && 'No caller holds a connection.'} wide steady>
      <Table
        caption="Who holds connections, the longest-held first"
        head={['Connection', 'Held for', 'What it does', 'Borrowed at']}
        rows={borrowed.map((one) => [
          `#${one.id}`,
          duration(one.heldMs),
          <code key="work">{workOf(one)}</code>,
          one.stack === undefined ? (
            <span key="stack" className="note">
              {detects ? '–' : 'leak detection is off'}
            </span>
          ) : (
            <details key="stack">
              <summary>{one.place ?? 'stack'}</summary>
              <pre tabIndex={0}>{one.stack}</pre>
            </details>
          ),
        ])}
      />
    </Panel>
  );
}

export function SlowQueries({ pool }: { readonly pool: LivePool }) {
  const { queries, totalMs, windowMs } = pool.slowQueries;
  return (
    <Panel title="Statements that cost most" empty={queries.length === 0 && 'No statement has been sampled yet.'} wide steady>
      <p className="note">Of the last {duration(windowMs)}, by their time together; without their values.</p>
      <Table
        caption="Statements that cost most"
        head={['Statement', 'Share', 'Calls', 'Mean', 'p99', 'Longest', 'Last seen']}
        rows={queries.map((query) => [
          <code key="digest">{query.digest}</code>,
          percent(query.totalMs, totalMs),
          amount(query.calls),
          duration(query.meanMs),
          duration(query.p99Ms),
          duration(query.maxMs),
          `${duration(query.lastSeenAgoMs)} ago`,
        ])}
      />
    </Panel>
  );
}

export function Events({ snapshot, pool }: { readonly snapshot: LiveSnapshot; readonly pool: LivePool }) {
  const events = snapshot.events.filter((event) => event.pool === pool.name);
  return (
    <Panel title="What has happened" empty={events.length === 0 && 'Nothing unusual since the server started.'} steady>
      <ol className="log" tabIndex={0} aria-label="What has happened, the last first">
        {events.map(({ at, since, count, kind, message }) => (
          <li key={`${since}-${kind}-${message}`}>
            <time dateTime={new Date(at).toISOString()}>{clock(at)}</time> <span className={`tag ${kind}`}>{kind.replace('-', ' ')}</span>{' '}
            {message}
            {count > 1 ? ` (${count} times since ${clock(since)})` : ''}
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function byErrno(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([errno, count]) => `${errno}: ${amount(count)}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

export function Counters({ pool }: { readonly pool: LivePool }) {
  const { stats } = pool;
  const closed = Object.entries(stats.closedByReason).filter(([, count]) => count > 0);
  const rows: readonly (readonly [string, ReactNode])[] = [
    ['Acquires served', amount(stats.acquired)],
    ['Timed out, cancelled, refused', [stats.timedOut, stats.cancelled, stats.refused].map(amount).join(', ')],
    ['Connections opened', amount(stats.opened)],
    ['Connections closed', closed.map(([reason, count]) => `${reason}: ${amount(count)}`).join(', ') || 'none'],
    ['Connect errors', byErrno(stats.connectErrorsByCode)],
    [
      'Last connect error',
      stats.lastConnectError === null ? 'none' : `${stats.lastConnectError.message} (${duration(stats.lastConnectError.agoMs)} ago)`,
    ],
    ['Statement errors', byErrno(stats.queryErrorsByErrno)],
    ['Transactions run again', amount(stats.retries)],
    ['Statements killed', amount(stats.kills)],
    ['Leaks', amount(stats.leaks)],
    ['Sessions reset', amount(stats.resets)],
  ];
  return (
    <Panel title="Since the pool was made">
      <Facts rows={rows} />
    </Panel>
  );
}

export function Facts({ rows }: { readonly rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Options({ pool }: { readonly pool: LivePool }) {
  const rows = Object.entries(pool.stats.options).map(([name, value]): readonly [string, ReactNode] => [
    name,
    typeof value === 'object' && value !== null
      ? Object.values(value)
          .filter((part) => part !== null)
          .map(String)
          .join(' · ')
      : String(value ?? '–'),
  ]);
  return (
    <Panel title="Options in force">
      <details>
        <summary>{counted(rows.length, 'option', 'options')}; durations in milliseconds</summary>
        <Facts rows={rows} />
      </details>
    </Panel>
  );
}

export function PgBouncer({ snapshot }: { readonly snapshot: LiveSnapshot }) {
  const { pgbouncer } = snapshot;
  if (pgbouncer === null) return null;
  const { available, message, pools, latencyMs } = pgbouncer;
  const columns = ['database', 'user', 'cl_active', 'cl_waiting', 'sv_active', 'sv_idle', 'sv_used', 'maxwait', 'pool_mode'];
  return (
    <Panel title="PgBouncer" wide>
      <p className={available ? 'note' : 'problem'}>
        {message} {latencyMs === null ? '' : `(${duration(latencyMs)})`}
      </p>
      {available ? (
        <Table caption="Pools of PgBouncer" head={columns} rows={pools.map((row) => columns.map((column) => String(row[column] ?? '–')))} />
      ) : null}
    </Panel>
  );
}
