/** The panel of circuit breakers, with their states over time. */

import type { LivePool, LiveSnapshot } from '../../../src/monitor/live/index.js';
import { amount, clock, counted, duration } from '../format.js';
import type { Frame } from '../series.js';
import { Panel, Table } from './tables.js';

type Breaker = LiveSnapshot['breakers'][number];
type Change = LiveSnapshot['breakerChanges'][number];

interface BreakersProps {
  readonly snapshot: LiveSnapshot;
  readonly pool: LivePool;
  readonly frame: Frame;
}

export function Breakers({ snapshot, pool, frame }: BreakersProps) {
  const isShown = (of: { readonly pool: string | null }): boolean => of.pool === null || of.pool === pool.name;
  const breakers = snapshot.breakers.filter(isShown);
  const changes = snapshot.breakerChanges.filter(isShown);
  return (
    <Panel title="Circuit breakers" empty={breakers.length === 0 && 'There is no breaker.'} wide>
      <div className="breakers">
        <Table
          caption="Circuit breakers"
          head={['Breaker', 'State', 'For', 'Over time', 'Why', 'Failures', 'Refused', 'Opened']}
          rows={breakers.map((breaker) => [
            breaker.pool === null ? `${breaker.name} (of no pool)` : breaker.name,
            <span key="state" className={`tag breaker-${breaker.state}`}>
              {breaker.state}
            </span>,
            breaker.inStateForMs === 0 ? 'all along' : duration(breaker.inStateForMs),
            <Timeline key="timeline" breaker={breaker} changes={changes} frame={frame} />,
            `${breaker.reason ?? '–'}${nextTry(breaker)}`,
            amount(breaker.failures),
            amount(breaker.refused),
            amount(breaker.transitions.open),
          ])}
        />
      </div>
      <ol className="log changes" aria-label="Changes of state" tabIndex={0}>
        {changes.length === 0 ? <li className="empty">No breaker has changed its state since the server started to look.</li> : null}
        {changes.map(({ at, breaker, from, to, reason }, index) => (
          <li key={`${at}-${breaker}-${to}-${index}`}>
            <time dateTime={new Date(at).toISOString()}>{clock(at)}</time> {breaker}: from {from} to {to}
            {reason === null ? '' : `: ${reason}`}
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function nextTry({ nextProbeInMs }: Breaker): string {
  if (nextProbeInMs === null) return '';
  return nextProbeInMs === 0 ? '; the next call is let through' : `; next try in ${duration(nextProbeInMs)}`;
}

interface Segment {
  readonly state: string;
  readonly from: number;
  readonly to: number;
}

/** In which state it was, when; the last one first. */
function segmentsOf({ pool, name, state }: Breaker, changes: readonly Change[], { from, to, shown }: Frame): readonly Segment[] {
  const segments: Segment[] = [];
  // The state before the server's first look is not known.
  const start = Math.max(from, shown[0]?.at ?? to);
  let end = to;
  let current: string = state;
  for (const change of changes) {
    if (change.pool !== pool || change.breaker !== name) continue;
    if (change.at <= start) break;
    segments.push({ state: current, from: Math.min(change.at, end), to: end });
    end = Math.min(change.at, end);
    current = change.from;
  }
  return [...segments, { state: current, from: Math.min(start, end), to: end }];
}

function Timeline({ breaker, changes, frame }: { readonly breaker: Breaker; readonly changes: readonly Change[]; readonly frame: Frame }) {
  const segments = segmentsOf(breaker, changes, frame);
  const span = frame.to - frame.from;
  const words = `${breaker.name} over time. ${counted(segments.length - 1, 'change', 'changes')} of state in the time shown; now ${breaker.state}.`;
  return (
    <span className="timeline" role="img" aria-label={words}>
      {segments.map(({ state, from, to }) => (
        <span
          key={from}
          className={`breaker-${state}`}
          title={`${state} from ${clock(from)} to ${clock(to)}`}
          style={{ left: `${((from - frame.from) / span) * 100}%`, width: `${((to - from) / span) * 100}%` }}
        />
      ))}
    </span>
  );
}
