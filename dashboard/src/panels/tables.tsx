/** The panels that are lists: events, counters, options, PgBouncer. */

import type { ReactNode } from 'react';
import type { LivePool, LiveSnapshot } from '../../../src/monitor/live/index.js';
import { amount, clock, counted, duration } from '../format.js';
import { Facts, Panel, Table } from './panel.js';

export function eventsOf(snapshot: LiveSnapshot, pool: LivePool): LiveSnapshot['events'] {
  return snapshot.events.filter((event) => event.pool === pool.name);
}

export function Events({ events, wide }: { readonly events: LiveSnapshot['events']; readonly wide: boolean }) {
  return (
    <Panel title="Events" wide={wide} steady>
      <ol className="log" tabIndex={0} aria-label="Events, the last first">
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

export function Counters({ pool, wide }: { readonly pool: LivePool; readonly wide: boolean }) {
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
    <Panel title="Since the pool was made" wide={wide}>
      <Facts rows={rows} />
    </Panel>
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
    <Panel title="Options in force" wide>
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
