/** The panels below the charts, in the order in which they are needed; those with nothing to show are named in one line at the end. */

import type { LiveSnapshot, LivePool } from '../../../src/monitor/live/index.js';
import { useTimeline } from '../timeline.js';
import type { View } from '../live-store.js';
import { Actions } from './actions.js';
import { Borrowers } from './borrowers.js';
import { Breakers, hasBreakers } from './breakers.js';
import { Cache } from './cache.js';
import { Incidents } from './incidents.js';
import { NothingHere } from './panel.js';
import { Statements } from './statements.js';
import { Counters, Events, eventsOf, Options, PgBouncer } from './tables.js';

interface PanelsProps {
  readonly pool: LivePool;
  readonly snapshot: LiveSnapshot;
  readonly view: View;
}

export function Panels({ pool, snapshot, view }: PanelsProps) {
  const { frame } = useTimeline();
  const incidents = view.incidents.get(pool.name) ?? [];
  const events = eventsOf(snapshot, pool);
  const withBreakers = hasBreakers(snapshot, pool);
  const missing = [
    ...(incidents.length > 0 ? [] : ['incidents']),
    ...(events.length > 0 ? [] : ['events']),
    ...(withBreakers ? [] : ['breakers']),
    ...(pool.cache === null ? ['cache'] : []),
    ...(snapshot.pgbouncer === null ? ['PgBouncer'] : []),
    ...(pool.topology == null ? ['cluster'] : []),
    ...(pool.fleet == null ? ['fleet'] : []),
  ];
  return (
    <div className="panels">
      <Statements pool={pool} />
      <Borrowers pool={pool} />
      {incidents.length === 0 ? null : <Incidents incidents={incidents} now={snapshot.at} wide={events.length === 0} />}
      {events.length === 0 ? null : <Events events={events} wide={incidents.length === 0} />}
      {withBreakers ? <Breakers snapshot={snapshot} pool={pool} frame={frame} /> : null}
      <Cache pool={pool} snapshot={snapshot} />
      <PgBouncer snapshot={snapshot} />
      <Counters pool={pool} wide={!view.mayAct} />
      <Actions pool={pool} snapshot={snapshot} mayAct={view.mayAct} client={view.client} />
      <Options pool={pool} />
      <NothingHere of={missing} />
    </div>
  );
}
